// Keeps the shell on the device: the files of one build, and a page that says that there is no network.
// Pages themselves are never kept, because they may show personal data.
const assets = new URL(self.location).searchParams.get('assets') ?? '/assets';
const cacheName = `shell-${assets}`;
const shell = [
  '/offline.html', '/offline.css', '/icons/icon-192.png', '/manifest.webmanifest',
  ...['assets/bootstrap-reboot.min.css', 'css/lifang.css', 'css/forms.css', 'css/details.css', 'css/public.css',
    'js/early.js', 'js/app.js', 'icons.svg', 'logo.svg', 'chevron.svg'].map(path => `${assets}/${path}`),
];

self.addEventListener('install', event => {
  event.waitUntil(caches.open(cacheName).then(cache => cache.addAll(shell)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', event => {
  event.waitUntil(caches.keys()
    .then(names => Promise.all(names.filter(name => name !== cacheName).map(name => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener('fetch', event => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match('/offline.html')));
  } else if (url.pathname.startsWith(`${assets}/`)) {
    event.respondWith(caches.match(request).then(kept => kept ?? fetch(request).then(answer => {
      if (answer.ok) {
        const copy = answer.clone();
        caches.open(cacheName).then(cache => cache.put(request, copy));
      }
      return answer;
    })));
  } else if (shell.includes(url.pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});
