// Short messages in the corner: announced, dismissable, gone by themselves unless something failed.
import { icon, make, on } from './dom.js';

const words = { success: '完成', info: '提示', neutral: '提示', warning: '注意', danger: '出错' };
const pictures = { success: 'success', info: 'info', neutral: 'info', warning: 'warning', danger: 'error' };

/** Shows `text`; `link` is `{href, label, newWindow}`. */
export function toast(tone, text, link) {
  const region = document.getElementById('toasts');
  if (!region) return;
  const anchor = link && make('a', { href: link.href, target: link.newWindow ? '_blank' : null }, link.label);
  const element = make(
    'div', { className: `toast tone-${tone}`, 'data-toast': tone }, icon(pictures[tone]),
    make('p', {}, make('span', { className: 'visually-hidden' }, `${words[tone]}：`), text, anchor ? ' ' : null, anchor),
    make('button', { type: 'button', className: 'toast-close', 'data-toast-close': '', 'aria-label': '关闭提示' }, icon('close')));
  region.append(element);
  leave(element);
}

// Somebody who hovers or has focus in a message is reading it.
function leave(element) {
  if (element.dataset.toast === 'danger') return;
  const wait = (element.querySelector('a') ? 12000 : 5000) + 80 * element.textContent.length;
  const tick = () => {
    if (element.matches(':hover') || element.contains(document.activeElement)) setTimeout(tick, 2000);
    else element.remove();
  };
  setTimeout(tick, wait);
}

document.querySelectorAll('[data-toast]').forEach(leave);
document.addEventListener('htmx:oobAfterSwap', event => {
  event.detail.target?.querySelectorAll?.('[data-toast]').forEach(leave);
});
on('click', '[data-toast-close]', (_, button) => button.closest('[data-toast]').remove());
