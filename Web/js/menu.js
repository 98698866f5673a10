// The menu on the left, and every small panel below a button.
import { icon, make, on } from './dom.js';

const isNarrow = () => matchMedia('(max-width: 61.99rem)').matches;
const menu = document.getElementById('menu');

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
}

function fold(folded) {
  document.body.classList.toggle('menu-folded', folded);
  remember('menu', folded ? 'folded' : 'open');
}

function openSheet(open) {
  document.body.classList.toggle('menu-open', open);
  if (open) menu.querySelector('[data-menu-close]').focus();
  else document.querySelector('[data-menu-toggle]')?.focus();
}

if (menu) {
  const button = make('button', { type: 'button', className: 'menu-fold menu-item' }, icon('menu'),
    make('span', { className: 'menu-label' }, '收起菜单'));
  button.addEventListener('click', () => fold(!document.body.classList.contains('menu-folded')));
  menu.append(button);
  menu.querySelector('[aria-current="page"]')?.scrollIntoView({ block: 'nearest' });

  on('click', '[data-menu-toggle]', event => { event.preventDefault(); openSheet(true); });
  on('click', '[data-menu-close]', event => { event.preventDefault(); openSheet(false); });
  on('click', '.menu-open main', () => openSheet(false));
  // A group of the folded menu cannot show its pages, so it unfolds first.
  on('click', '.menu-folded .menu-group > summary', event => {
    if (!isNarrow()) {
      fold(false);
      if (event.target.closest('details').open) event.preventDefault();
    }
  });
}

// One small panel open at a time; Escape and a click elsewhere close it.
document.addEventListener('click', event => {
  document.querySelectorAll('[data-dropdown][open]').forEach(dropdown => {
    if (!dropdown.contains(event.target)) dropdown.open = false;
  });
});
document.addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  const dropdown = document.querySelector('[data-dropdown][open]');
  if (dropdown) {
    dropdown.open = false;
    dropdown.querySelector('summary').focus();
    event.stopPropagation();
  } else if (document.body.classList.contains('menu-open')) {
    openSheet(false);
  }
});

on('click', '[data-print]', () => print());
on('click', '[data-copy]', async (_, button) => {
  const { toast } = await import('./toast.js');
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast('success', `已复制 ${button.dataset.copy}`);
  } catch {
    toast('warning', '浏览器不允许复制，请长按选中后复制。');
  }
});
