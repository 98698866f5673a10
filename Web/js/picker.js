// A field that finds another record by typing: a combobox (WAI-ARIA 1.2) over `GET source?q=`.
import { announce, each, make, settled } from './dom.js';

each('[data-picker]', picker => {
  const input = picker.querySelector('[data-picker-text]');
  const value = picker.querySelector('[data-picker-value]');
  const list = picker.querySelector('[role="listbox"]');
  if (input.readOnly) return;
  let chosenText = value.value ? input.value : '';
  let active = -1;
  let request = null;

  input.setAttribute('role', 'combobox');
  input.setAttribute('aria-autocomplete', 'list');
  input.setAttribute('aria-expanded', 'false');
  input.setAttribute('aria-controls', list.id);
  picker.classList.toggle('is-chosen', value.value !== '');

  const options = () => [...list.querySelectorAll('[role="option"]')];

  function show(open) {
    list.hidden = !open;
    input.setAttribute('aria-expanded', String(open));
    if (!open) {
      active = -1;
      input.removeAttribute('aria-activedescendant');
    }
  }

  function highlight(index) {
    const all = options();
    if (all.length === 0) return;
    active = (index + all.length) % all.length;
    all.forEach((option, at) => option.setAttribute('aria-selected', String(at === active)));
    input.setAttribute('aria-activedescendant', all[active].id);
    all[active].scrollIntoView({ block: 'nearest' });
  }

  function choose(option) {
    value.value = option.dataset.value;
    input.value = option.dataset.text;
    chosenText = input.value;
    picker.classList.add('is-chosen');
    show(false);
    value.dispatchEvent(new Event('change', { bubbles: true }));
  }

  const search = settled(async () => {
    request?.abort();
    request = new AbortController();
    const url = new URL(picker.dataset.picker, location.href);
    url.searchParams.set('q', input.value.trim());
    try {
      const answer = await fetch(url, { signal: request.signal, headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(String(answer.status));
      const { items } = await answer.json();
      list.replaceChildren(...items.map((item, index) => make(
        'li', { id: `${list.id}-${index}`, role: 'option', 'aria-selected': 'false', 'data-value': item.value, 'data-text': item.label },
        item.label, item.detail ? make('small', {}, item.detail) : null)));
      if (items.length === 0) list.append(make('li', { className: 'picker-none' }, `没有找到“${input.value.trim()}”，换个说法试试`));
      show(true);
      announce(items.length === 0 ? '没有找到' : `找到 ${items.length} 条，用上下键选择`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      list.replaceChildren(make('li', { className: 'picker-none' }, '查找没有成功，已输入的内容还在。请稍后重试。'));
      show(true);
    }
  }, 180);

  input.addEventListener('input', () => {
    if (input.value !== chosenText) {
      value.value = '';
      picker.classList.remove('is-chosen');
    }
    if (input.value.trim() === '') show(false);
    else search();
  });
  input.addEventListener('keydown', event => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden) search();
      else highlight(active + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Enter' && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(options()[active]);
    } else if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    }
  });
  list.addEventListener('mousedown', event => {
    event.preventDefault();
    const option = event.target.closest('[role="option"]');
    if (option) choose(option);
  });
  input.addEventListener('blur', () => show(false));
});
