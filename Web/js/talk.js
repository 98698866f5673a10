// A conversation, live: what is said or read comes as it happens, screenshots are pasted, a new line shows in the title
// of the window (闪屏). Without scripts the page is read and written just the same.
import { on } from './dom.js';
import { shrunk } from './shrink.js';

const view = document.querySelector('[data-talk]');
const lines = view?.querySelector('[data-talk-lines]');
const title = document.title;
const end = () => lines.lastElementChild?.scrollIntoView({ block: 'nearest' });

let waiting = 0;
addEventListener('focus', () => {
  waiting = 0;
  document.title = title;
});

async function refresh() {
  const answer = await fetch(location.pathname, { headers: { 'HX-Request': 'true' } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-talk-lines]');
  if (!fresh) return;
  const known = new Set([...lines.querySelectorAll('.talk-line')].map(line => line.id));
  const added = [...fresh.querySelectorAll('.talk-line')].filter(line => !known.has(line.id));
  lines.replaceChildren(...fresh.children);
  if (added.length === 0) return;
  end();
  const told = added.filter(line => !line.classList.contains('is-own')).length;
  if (told > 0 && !document.hasFocus()) {
    waiting += told;
    document.title = `【${waiting} 条新消息】${title}`;
  }
}

if (view?.dataset.talk) {
  const events = new EventSource(view.dataset.talk);
  events.addEventListener('message', () => refresh().catch(() => {}));
  addEventListener('pagehide', () => events.close());
  end();
}

on('keydown', '[data-talk-form] textarea', (event, area) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
});

on('paste', '[data-talk-form] textarea', async (event, area) => {
  const picture = [...event.clipboardData.files].find(file => file.type.startsWith('image/'));
  if (!picture) return;
  event.preventDefault();
  const input = area.form.querySelector('input[type="file"]');
  const chosen = new DataTransfer();
  chosen.items.add(await shrunk(picture));
  input.files = chosen.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
});
