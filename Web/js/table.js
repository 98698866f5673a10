// Tables by keyboard and mouse: arrows move, Enter opens, Space selects; a click anywhere on a row opens it.
import { announce, grouped, isPlain, on } from './dom.js';

const links = table => [...table.querySelectorAll('[data-row-link]')];

function move(table, from, step) {
  const all = links(table);
  const index = all.indexOf(from);
  const target = step === 'first' ? all[0] : step === 'last' ? all.at(-1) : all[index + step];
  if (!target) return;
  target.focus();
  target.closest('tr').scrollIntoView({ block: 'nearest' });
}

on('keydown', '[data-table] [data-row-link]', (event, link) => {
  const table = link.closest('table');
  const step = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last' }[event.key];
  if (step && isPlain(event)) {
    event.preventDefault();
    move(table, link, step);
  } else if (event.key === ' ') {
    const box = link.closest('tr').querySelector('[data-select]');
    if (!box) return;
    event.preventDefault();
    box.checked = !box.checked;
    changed(table);
    announce(box.checked ? '已选' : '已取消选择');
  }
});

// From the frame around the table, the down arrow enters the rows.
on('keydown', '.table-frame', (event, frame) => {
  if (event.target !== frame || event.key !== 'ArrowDown') return;
  const first = frame.querySelector('[data-row-link]');
  if (first) {
    event.preventDefault();
    first.focus();
  }
});

on('click', '[data-row]', (event, row) => {
  if (!isPlain(event) || event.target.closest('a, button, input, label, select, summary')) return;
  if (String(getSelection()).length > 0) return;
  row.querySelector('[data-row-link]')?.click();
});

// --- Selection ------------------------------------------------------------------------------------------------------

let last = null;

on('click', '[data-select]', (event, box) => {
  const table = box.closest('table');
  const boxes = [...table.querySelectorAll('[data-select]')];
  if (event.shiftKey && last && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach(other => { other.checked = box.checked; });
  }
  last = box;
  changed(table);
});

on('change', '[data-select-all]', (_, all) => {
  const table = all.closest('table');
  table.querySelectorAll('[data-select]').forEach(box => { box.checked = all.checked; });
  changed(table);
});

on('change', '[data-batch-everything] input', (_, box) => changed(tableOf(box)));

const tableOf = element => (element.closest('.list, .card') ?? document).querySelector('[data-table].is-selectable');

function changed(table) {
  const boxes = [...table.querySelectorAll('[data-select]')];
  const count = boxes.filter(box => box.checked).length;
  boxes.forEach(box => box.closest('tr').classList.toggle('is-selected', box.checked));
  const all = table.querySelector('[data-select-all]');
  all.checked = count > 0 && count === boxes.length;
  all.indeterminate = count > 0 && count < boxes.length;

  const bar = document.getElementById('batch');
  if (!bar) return;
  const everything = bar.querySelector('[data-batch-everything]');
  const offered = count === boxes.length;
  everything.classList.toggle('is-offered', offered);
  const box = everything.querySelector('input');
  if (!offered) box.checked = false;
  bar.classList.toggle('is-active', count > 0);
  bar.querySelector('[data-batch-count]').textContent =
    box.checked ? '已选筛选出的全部记录' : `已选 ${grouped(count)} 条`;
}

document.querySelectorAll('[data-table].is-selectable').forEach(changed);
document.addEventListener('htmx:load', event => {
  event.detail.elt.querySelectorAll?.('[data-table].is-selectable').forEach(changed);
});
