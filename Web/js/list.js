// A list and the panel beside it: filters apply as they change, sorting and paging keep the panel, the address follows.
import { announce, each, icon, isPlain, make, on } from './dom.js';

const list = () => document.getElementById('list');
const panel = () => document.getElementById('panel');

function load(url) {
  list().querySelector('.table-frame')?.classList.add('is-loading');
  return window.htmx.ajax('GET', url, { target: '#list', select: '#list', swap: 'outerHTML' }).then(() => {
    history.pushState({}, '', url);
    announce(document.querySelector('.pager-total')?.textContent ?? '列表已更新');
  });
}

addEventListener('popstate', () => {
  if (list()) location.reload();
});

on('click', '#list [data-list-link]', (event, link) => {
  if (!isPlain(event) || !window.htmx) return;
  event.preventDefault();
  load(link.href);
});

function address(form) {
  const url = new URL(form.action);
  url.search = '';
  for (const [name, value] of new FormData(form)) {
    if (value !== '') url.searchParams.append(name, value);
  }
  return url.href;
}

on('submit', '#list [data-filters]', (event, form) => {
  if (!window.htmx) return;
  event.preventDefault();
  load(address(form));
});
// A bar that stands alone on its page is sent as the form it is.
on('change', '[data-filters]', (event, form) => {
  if (event.target.matches('[data-filters-toggle], [data-list-search], [data-picker-text]')) return;
  form.requestSubmit();
});
// The cross in a search field empties it.
on('search', '#list [data-list-search]', (_, input) => input.form.requestSubmit());

document.addEventListener('keydown', event => {
  if (event.key !== '/' || !isPlain(event) || event.target.closest('input, textarea, select, [contenteditable]')) return;
  const search = document.querySelector('[data-list-search]');
  if (search) {
    event.preventDefault();
    search.select();
  }
});

// Forms that come back to what is shown now.
each('[data-return-here]', form => {
  form.addEventListener('submit', () => {
    let field = form.querySelector('input[name="return"]');
    if (!field) {
      field = document.createElement('input');
      field.type = 'hidden';
      field.name = 'return';
      form.append(field);
    }
    field.value = location.pathname + location.search;
  });
});

// --- Panel ----------------------------------------------------------------------------------------------------------

document.addEventListener('htmx:beforeRequest', event => {
  if (event.detail.target?.id !== 'panel') return;
  const row = event.detail.elt.closest('tr');
  document.querySelectorAll('tr.is-open').forEach(other => other.classList.remove('is-open'));
  row?.classList.add('is-open');
  panel().setAttribute('aria-busy', 'true');
});

document.addEventListener('htmx:afterSwap', event => {
  if (event.detail.target?.id !== 'panel') return;
  const title = panel().querySelector('[data-panel-title]');
  panel().removeAttribute('aria-busy');
  panel().closest('[data-split]').classList.add('has-panel');
  panel().querySelector('.panel-body')?.scrollTo(0, 0);
  // Beside the list, focus stays on the row so that the arrow keys go on; over it, focus follows.
  if (getComputedStyle(panel()).position === 'fixed') title?.focus();
  else announce(`已在右侧打开：${title?.textContent ?? ''}`);
});

function close() {
  const split = panel()?.closest('[data-split]');
  if (!split?.classList.contains('has-panel')) return false;
  split.classList.remove('has-panel');
  panel().replaceChildren();
  const row = document.querySelector('tr.is-open');
  row?.classList.remove('is-open');
  row?.querySelector('[data-row-link]')?.focus();
  const url = new URL(location.href);
  url.searchParams.delete('open');
  history.replaceState({}, '', url);
  return true;
}

on('click', '[data-panel-close]', event => {
  if (isPlain(event) && close()) event.preventDefault();
});
document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && isPlain(event) && !document.querySelector('dialog[open]') &&
    !event.target.closest('[role="combobox"][aria-expanded="true"]')) close();
});

// A tree folds: the rows below one that is folded go, until it is opened again.
const level = row => Number(row.dataset.level);
function below(row) {
  const rows = [];
  for (let next = row.nextElementSibling; next && level(next) > level(row); next = next.nextElementSibling) rows.push(next);
  return rows;
}
each('tr[data-level]', row => {
  if (!below(row).length) return;
  const button = make('button', { type: 'button', className: 'fold' }, icon('down'));
  button.setAttribute('aria-expanded', 'true');
  button.setAttribute('aria-label', '收起下级');
  row.querySelector('th').prepend(button);
});
on('click', '.fold', (event, button) => {
  event.stopPropagation();
  const row = button.closest('tr');
  const opens = button.getAttribute('aria-expanded') === 'false';
  button.setAttribute('aria-expanded', String(opens));
  button.setAttribute('aria-label', opens ? '收起下级' : '展开下级');
  let folded = Infinity;
  for (const next of below(row)) {
    if (level(next) <= folded) folded = Infinity;
    next.hidden = !opens || level(next) > folded;
    if (next.querySelector('.fold[aria-expanded="false"]')) folded = Math.min(folded, level(next));
  }
});
