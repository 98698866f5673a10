// Ctrl-K: menus of this page at once, then records and people with rights from `GET /search?q=&format=json`.
import { icon, make, on, settled } from './dom.js';

const search = document.body.dataset.search;
let dialog = null;
let input = null;
let list = null;
let active = 0;
let request = null;

const entries = () => [...document.querySelectorAll('.sidemenu a.menu-item')].map(link => ({
  label: link.querySelector('.menu-label').textContent,
  detail: link.closest('.menu-group')?.querySelector('summary .menu-label').textContent ?? '',
  href: link.getAttribute('href'),
  icon: 'list',
}));

function build() {
  input = make('input', {
    type: 'text', inputmode: 'search', 'aria-label': '搜索菜单、记录和人员', placeholder: '搜索菜单、地址、门牌编码、人员…', autocomplete: 'off',
    role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list',
  });
  list = make('div', { id: 'palette-list', className: 'palette-list', role: 'listbox', 'aria-label': '搜索结果' });
  dialog = make('dialog', { className: 'dialog palette', 'aria-label': '搜索' },
    make('div', { className: 'palette-box' }, icon('search'), input),
    list,
    make('div', { className: 'palette-foot', 'aria-hidden': 'true' },
      make('span', {}, make('kbd', {}, '↑'), ' ', make('kbd', {}, '↓'), ' 选择'), make('span', {}, make('kbd', {}, 'Enter'), ' 打开'),
      make('span', {}, make('kbd', {}, 'Esc'), ' 关闭')));
  document.body.append(dialog);
  input.addEventListener('input', () => show(input.value.trim()));
  input.addEventListener('keydown', keys);
  dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close();
  });
}

function render(groups, text) {
  list.replaceChildren();
  let index = 0;
  for (const group of groups) {
    if (group.items.length === 0) continue;
    const box = make('div', { role: 'group', 'aria-label': group.label }, make('p', { className: 'palette-group', role: 'presentation' }, group.label));
    for (const item of group.items) {
      box.append(make('a', { className: 'palette-item', href: item.href, role: 'option', id: `palette-${index}`, tabindex: '-1' },
        icon(item.icon ?? 'document'), make('span', {}, item.label), item.detail ? make('small', {}, item.detail) : null));
      index += 1;
    }
    list.append(box);
  }
  if (index === 0) list.append(make('p', { className: 'palette-empty' }, text ? `没有找到“${text}”。可以换个说法，或用地址编码、门牌号查找。` : '输入要找的内容'));
  highlight(0);
}

function highlight(index) {
  const items = [...list.querySelectorAll('[role="option"]')];
  if (items.length === 0) {
    input.removeAttribute('aria-activedescendant');
    return;
  }
  active = (index + items.length) % items.length;
  items.forEach((item, at) => item.setAttribute('aria-selected', String(at === active)));
  input.setAttribute('aria-activedescendant', items[active].id);
  items[active].scrollIntoView({ block: 'nearest' });
}

function keys(event) {
  if (event.isComposing) return;
  if (event.key === 'Escape') {
    event.preventDefault();
    dialog.close();
  }
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    highlight(active + (event.key === 'ArrowDown' ? 1 : -1));
  } else if (event.key === 'Enter') {
    event.preventDefault();
    const item = list.querySelector('[aria-selected="true"]');
    location.assign(item ? item.href : `${search}?q=${encodeURIComponent(input.value.trim())}`);
  }
}

function menusFor(text) {
  const lower = text.toLowerCase();
  return entries().filter(entry => `${entry.detail}${entry.label}`.toLowerCase().includes(lower)).slice(0, text ? 5 : 12);
}

function show(text) {
  render([{ label: '菜单', items: menusFor(text) }], '');
  if (text) ask(text);
}

const ask = settled(async text => {
  request?.abort();
  request = new AbortController();
  try {
    const answer = await fetch(`${search}?q=${encodeURIComponent(text)}&format=json`, {
      signal: request.signal, headers: { Accept: 'application/json' },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const { groups } = await answer.json();
    if (input.value.trim() === text) render([{ label: '菜单', items: menusFor(text) }, ...groups], text);
  } catch (error) {
    if (error.name !== 'AbortError') list.append(make('p', { className: 'palette-empty' }, '记录没有查到：网络不通或服务繁忙，请稍后重试。'));
  }
}, 150);

function open(text = '') {
  if (!dialog) build();
  if (dialog.open) return;
  input.value = text;
  show(text);
  dialog.showModal();
  input.focus();
  input.setSelectionRange(text.length, text.length);
}

if (search) {
  document.addEventListener('keydown', event => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      open();
    }
  });
  // Opened by a click or by typing: whoever only tabs through is not caught.
  on('click', '[data-palette-open] input', (_, field) => open(field.value));
  on('input', '[data-palette-open] input', (_, field) => {
    const text = field.value;
    field.value = '';
    open(text);
  });
}
