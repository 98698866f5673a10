// File fields: drop, see what was chosen and how large it is.
import { icon, make, on } from './dom.js';
import { shrunk } from './shrink.js';

const size = bytes => bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;

function list(input, before = []) {
  const box = input.closest('[data-files]')?.querySelector('[data-file-chosen]');
  box?.replaceChildren(...[...input.files].map((file, index) => {
    const was = before[index];
    const note = was && was.size > file.size ? `${size(file.size)}，已由 ${size(was.size)} 压缩` : size(file.size);
    return make('li', {}, icon('document'), file.name, make('small', {}, note));
  }));
}

// Files that are smaller already; a form that is sent meanwhile sends the others as they are.
const done = new WeakSet();

on('change', '[data-files] input[type="file"]', async (_, input) => {
  list(input);
  const before = [...input.files];
  if (!input.matches('[data-shrink]') || before.every(file => done.has(file))) return;
  const after = await Promise.all(before.map(shrunk));
  after.forEach(file => done.add(file));
  // Somebody may have chosen others by now.
  if (after.every((file, index) => file === before[index]) || before.some((file, index) => file !== input.files[index])) return;
  const chosen = new DataTransfer();
  after.forEach(file => chosen.items.add(file));
  input.files = chosen.files;
  list(input, before);
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
