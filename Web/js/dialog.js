// Pages that ask before something happens open as a native dialog; without scripts they are ordinary pages.
import { isPlain, on } from './dom.js';
import { toast } from './toast.js';
import { check } from './validation.js';

const dialog = document.getElementById('dialog');
const body = document.getElementById('dialog-body');
let opener = null;

async function open(url) {
  const answer = await fetch(url, { headers: { 'HX-Request': 'true', 'HX-Target': 'dialog-body' } });
  // A refusal or a redirect to the sign-in page reads better as the page it is.
  if (!answer.ok || answer.redirected) {
    location.assign(url);
    return;
  }
  body.innerHTML = await answer.text();
  window.htmx?.process(body);
  dialog.showModal();
  const first = body.querySelector('input:not([type="hidden"]), select, textarea');
  (first ?? body.querySelector('[data-dialog-close]'))?.focus();
}

on('click', '[data-dialog]', (event, link) => {
  if (!isPlain(event) || !dialog) return;
  event.preventDefault();
  opener = link;
  open(link.href).catch(() => toast('danger', '网络不通，什么都没有改动。请检查网络后重试。'));
});

on('click', '[data-dialog-close]', event => {
  if (!dialog?.open) return;
  event.preventDefault();
  dialog.close();
});

dialog?.addEventListener('click', event => {
  if (event.target === dialog) dialog.close();
});
dialog?.addEventListener('close', () => {
  body.replaceChildren();
  opener?.focus();
});

on('submit', '[data-dialog-form]', (event, form) => {
  if (!check(form)) event.preventDefault();
});
