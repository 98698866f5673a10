// Long work, live: server-sent events move the bar; when it ends, the page is fetched again.
import { each, grouped } from './dom.js';

each('[data-progress]', view => {
  const bar = view.querySelector('[data-progress-bar]');
  const figures = view.querySelector('[data-progress-figures]');
  const message = view.querySelector('[data-progress-message]');
  const events = new EventSource(view.dataset.progress);

  events.addEventListener('message', event => {
    const now = JSON.parse(event.data);
    if (now.total) {
      bar.max = Math.max(now.total, 1);
      bar.value = now.done;
    }
    figures.textContent = now.total ? `${grouped(now.done)} / ${grouped(now.total)}` : grouped(now.done);
    // Told to assistive technology too, so only when the sentence changes.
    if (now.message && now.message !== message.textContent) message.textContent = now.message;
    for (const [name, count] of Object.entries(now.counts ?? {})) {
      const place = view.querySelector(`[data-progress-count="${CSS.escape(name)}"]`);
      if (place) place.textContent = grouped(count);
    }
    if (now.state && now.state !== 'running' && now.state !== 'waiting') {
      events.close();
      if (now.href) location.assign(now.href);
      else location.reload();
    }
  });
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) {
      message.textContent = '进度连接已断开，任务还在后台继续。可以刷新进度，或稍后再来。';
    }
  });
  addEventListener('pagehide', () => events.close());
});
