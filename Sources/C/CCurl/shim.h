#pragma once
#include <curl/curl.h>

/* `curl_easy_setopt` and `curl_easy_getinfo` take any argument after the option, which Swift cannot call; these take one
 * kind each. */
static inline CURLcode lifang_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode lifang_curl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode lifang_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}

/* `size` bytes that libcurl copies. */
static inline CURLcode lifang_curl_set_body(CURL *handle, const void *bytes, long size) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes) : code;
}

typedef size_t (*lifang_curl_transfer)(char *bytes, size_t size, size_t count, void *context);

/* What takes the bytes of an answer. */
static inline CURLcode lifang_curl_set_sink(CURL *handle, lifang_curl_transfer transfer, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, transfer);
  return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_WRITEDATA, context) : code;
}

/* What gives the bytes of an upload. */
static inline CURLcode lifang_curl_set_source(CURL *handle, lifang_curl_transfer transfer, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, transfer);
  return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_READDATA, context) : code;
}

/* The status of the last answer; 0 when there was none. */
static inline long lifang_curl_status(CURL *handle) {
  long status = 0;
  return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

static inline CURLcode lifang_curl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
