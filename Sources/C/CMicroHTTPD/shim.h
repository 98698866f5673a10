#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// Variadic functions of libmicrohttpd, and Linux calls that the Glibc module does not show, in a form Swift can call.

typedef void *(*lifang_target_callback)(void *context, const char *target, struct MHD_Connection *connection);

/// Leaves the target percent-encoded: Lifang decodes strictly and by itself.
static inline size_t lifang_keep_encoded(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

/// A daemon without a listening socket and without threads: connections are added by `MHD_add_connection`, and work is
/// done by `MHD_run`, both on the caller's thread.
static inline struct MHD_Daemon *lifang_mhd_start(
    unsigned int connections, size_t memory, MHD_AccessHandlerCallback handler, lifang_target_callback target,
    MHD_RequestCompletedCallback completed, MHD_NotifyConnectionCallback connection, void *context) {
  struct MHD_OptionItem options[] = {
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)memory, NULL},
      {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
      {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
      {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, context},
      {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection, context},
      {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)target, context},
      {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)lifang_keep_encoded, NULL},
      {MHD_OPTION_END, 0, NULL},
  };
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_TURBO, 0, NULL, NULL, handler,
      context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// Readable when `MHD_run` has something to do.
static inline int lifang_mhd_epoll(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

/// Whether `MHD_run` should be called again at once.
static inline int lifang_mhd_is_pending(struct MHD_Daemon *daemon) {
  MHD_UNSIGNED_LONG_LONG wait = 1;
  return MHD_get_timeout(daemon, &wait) == MHD_YES && wait == 0;
}

static inline int lifang_mhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static inline const struct sockaddr *lifang_mhd_address(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

static inline void *lifang_mhd_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static inline size_t lifang_mhd_header_size(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

/// Whether libmicrohttpd holds the connection as suspended; on the connection's thread only.
static inline int lifang_mhd_is_suspended(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
  return info ? info->suspended == MHD_YES : 0;
}

/// Accepts a connection whose socket neither blocks nor leaks into child processes.
static inline int lifang_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
  *length = sizeof(*address);
  return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
