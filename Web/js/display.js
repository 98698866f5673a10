// Text size: changed at once and remembered by the server, without losing the page.
import { announce, csrfToken, on } from './dom.js';

const sizes = ['standard', 'large', 'larger', 'largest'];

on('submit', '[data-text-size]', (event, form) => {
  const size = event.submitter?.value;
  if (!sizes.includes(size)) return;
  event.preventDefault();
  const root = document.documentElement;
  root.classList.toggle('elder', size !== 'standard');
  sizes.forEach(name => root.classList.toggle(`text-${name}`, name === size && name !== 'standard'));
  document.querySelectorAll('[data-text-size] button').forEach(button => {
    button.setAttribute('aria-pressed', String(button.value === size));
  });
  announce(`字号已改为${event.submitter.textContent}`);
  fetch(form.action, {
    method: 'POST',
    headers: { 'X-CSRF-Token': csrfToken(), 'HX-Request': 'true' },
    body: new URLSearchParams({ 'text-size': size, return: location.pathname }),
  }).catch(() => {});
});
