// File fields: drop, see what was chosen and how large it is.
import { icon, make, on } from './dom.js';

const size = bytes => bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;

on('change', '[data-files] input[type="file"]', (_, input) => {
  const list = input.closest('[data-files]').querySelector('[data-file-chosen]');
  list.replaceChildren(...[...input.files].map(file =>
    make('li', {}, icon('document'), file.name, make('small', {}, size(file.size)))));
});
for (const type of ['dragenter', 'dragover']) {
  on(type, '.file-drop', (event, drop) => {
    event.preventDefault();
    drop.classList.add('is-over');
  });
}
on('dragleave', '.file-drop', (_, drop) => drop.classList.remove('is-over'));
on('drop', '.file-drop', (event, drop) => {
  event.preventDefault();
  drop.classList.remove('is-over');
  const input = drop.querySelector('input[type="file"]');
  if (event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
});
