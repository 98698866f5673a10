// Keeps the shell on the device: the files of one build, and a page that says that there is no network.
// Pages themselves are never kept, because they may show personal data; but for the addresses somebody has to inspect,
// which show none and are needed where there is no network. Those go when the person signs out.
const assets = new URL(self.location).searchParams.get('assets') ?? '/assets';
const cacheName = `shell-${assets}`;
const fieldPages = 'field-pages';
const isFieldPage = path => path === '/inspection' || /^\/inspection\/([0-9]+|visit)$/.test(path);
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
    .then(names => Promise.all(names.filter(name => name !== cacheName && name !== fieldPages).map(name => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener('fetch', event => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === 'POST' && url.origin === location.origin && ['/sign-out', '/sign-in'].includes(url.pathname)) {
    event.waitUntil(caches.delete(fieldPages));
    return;
  }
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(async () => {
      const kept = isFieldPage(url.pathname) ? await caches.match(request, { ignoreSearch: true, cacheName: fieldPages, ignoreVary: true }) : undefined;
      return kept ?? caches.match('/offline.html');
    }));
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
