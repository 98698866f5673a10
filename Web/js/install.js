// The installable app: a worker that keeps the shell, so that pages open without a network.
if ('serviceWorker' in navigator && isSecureContext && document.body.hasAttribute('data-installable')) {
  const assets = new URL('..', import.meta.url).pathname.replace(/\/$/, '');
  navigator.serviceWorker.register(`/sw.js?assets=${encodeURIComponent(assets)}`).catch(() => {});
}
