// Forms: checked field by field, kept as a draft on this device, never sent twice, never left by accident.
import { each, make, on } from './dom.js';
import { check, complaint, mark } from './validation.js';
import { capitals } from './money.js';

// --- Checks ---------------------------------------------------------------------------------------------------------

on('focusout', '[data-form] .input', (event, input) => {
  // A message above the button that is being pressed would move it from under the pointer; sending checks all the same.
  if (event.relatedTarget?.matches('button')) return;
  if (input.willValidate && (input.value !== '' || input.getAttribute('aria-invalid') === 'true')) {
    mark(input, complaint(input));
  }
});

on('click', '.error-summary a', (event, link) => {
  const target = document.querySelector(`[id="${CSS.escape(link.hash.slice(1))}"]`);
  if (!target) return;
  event.preventDefault();
  target.scrollIntoView({ block: 'center' });
  target.focus();
});
document.querySelector('[data-error-summary]')?.focus();

on('input', '[data-money]', (_, input) => showCapitals(input));
each('[data-money]', showCapitals);

function showCapitals(input) {
  const box = input.closest('.with-unit');
  let words = box.nextElementSibling;
  if (!words?.matches('.money-words')) {
    words = make('p', { className: 'money-words' });
    box.after(words);
  }
  words.textContent = capitals(input.value);
}

// Other fields depend on this one: the server draws the form again with what has been typed.
on('change', '[data-form] [data-refresh]', (event, input) => {
  const form = input.form;
  window.htmx?.ajax('POST', form.action, {
    source: form, target: '.form-page', select: '.form-page', swap: 'outerHTML', values: { _refresh: input.name },
  });
});

// What is typed while the answer is on its way is put back into the form that comes.
let meanwhile = null;
// Files that were chosen and not sent: a form that saves itself has sent them.
let chosen = [];
document.addEventListener('htmx:beforeRequest', event => {
  const form = event.detail.elt;
  if (!form.matches?.('[data-form]')) return;
  meanwhile = new Map();
  chosen = form.matches('[data-autosave]') ? [] : [...form.querySelectorAll('input[type="file"]')].filter(input => input.files.length);
});
on('input', '[data-form] [name]', (_, input) => {
  if (meanwhile && !input.matches('[type="checkbox"], [type="radio"], [type="file"]')) meanwhile.set(input.name, input.value);
});
document.addEventListener('htmx:afterSwap', () => {
  if (!meanwhile) return;
  for (const [name, value] of meanwhile) {
    const input = document.querySelector(`[data-form] [name="${CSS.escape(name)}"]`);
    if (input) input.value = value;
  }
  for (const { name, files } of chosen) {
    const input = document.querySelector(`[data-form] input[type="file"][name="${CSS.escape(name)}"]`);
    if (!input) continue;
    input.files = files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }
  meanwhile = null;
});

// The server keeps what is typed, files apart, a moment after each change.
let saving;
const save = (_, form) => {
  clearTimeout(saving);
  saving = setTimeout(async () => {
    if (!form.isConnected) return;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === 'string'));
    body.set('_draft', '1');
    const status = form.querySelector('[data-form-status]');
    try {
      const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Autosave': '1' }, keepalive: true });
      if (status && answer.status === 204) status.textContent = `已自动暂存 ${clock(Date.now())}`;
    } catch {
      if (status) status.textContent = '现在连不上服务器，暂存没有成功；请不要关闭页面。';
    }
  }, 500);
};
on('input', '[data-autosave]', save);
on('change', '[data-autosave]', save);

// --- Drafts ---------------------------------------------------------------------------------------------------------

const prefix = 'draft:';
const isKept = input => input.name && !input.name.startsWith('_') && !input.matches('[data-private], [type="hidden"]:not([data-picker-value]), [type="password"], [type="file"], button');

const privateValues = form =>
  [...form.querySelectorAll('[data-private]')].map(input => (input.type === 'checkbox' ? input.checked : input.value));

function values(form) {
  const kept = {};
  for (const input of form.elements) {
    if (!isKept(input)) continue;
    if (input.matches('[type="checkbox"], [type="radio"]')) {
      kept[`${input.name}=${input.value}`] = input.checked;
    } else {
      kept[input.name] = input.value;
    }
  }
  return kept;
}

function restore(form, kept) {
  for (const input of form.elements) {
    if (!isKept(input)) continue;
    const isBox = input.matches('[type="checkbox"], [type="radio"]');
    const value = kept[isBox ? `${input.name}=${input.value}` : input.name];
    if (value === undefined) continue;
    if (isBox) input.checked = value;
    else input.value = value;
  }
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(prefix + key));
  } catch {
    return null;
  }
}

const two = number => String(number).padStart(2, '0');

function clock(time) {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

const sent = sessionStorage.getItem('draft-sent');

each('[data-form]', form => {
  const key = form.dataset.draft;
  const initial = JSON.stringify(values(form));
  const status = form.querySelector('[data-form-status]');
  form.dataset.initial = initial;
  form.dataset.private = JSON.stringify(privateValues(form));
  if (!key) return;

  const failed = form.querySelector('[data-error-summary]');
  const draft = read(key);
  if (draft && !failed && sent !== key && JSON.stringify(draft.values) !== initial) offer(form, key, draft);

  let timer;
  const keep = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      try {
        localStorage.setItem(prefix + key, JSON.stringify({ time: Date.now(), values: values(form) }));
        if (status) status.textContent = `草稿已存在这台设备上 ${clock(Date.now())}`;
      } catch {
        if (status) status.textContent = '这台设备存不下草稿，离开前请先提交。';
      }
    }, 600);
  };
  form.addEventListener('input', keep);
  form.addEventListener('change', keep);
});

function offer(form, key, draft) {
  const place = form.querySelector('[data-draft-offer]');
  if (!place) return;
  const take = make('button', { type: 'button', className: 'button button-primary' }, '恢复填写');
  const drop = make('button', { type: 'button', className: 'button button-normal' }, '删除草稿');
  place.replaceChildren(make('p', {}, `这台设备上有 ${clock(draft.time)} 没有提交的内容。`), take, drop);
  place.hidden = false;
  take.addEventListener('click', () => {
    restore(form, draft.values);
    place.hidden = true;
    form.dispatchEvent(new Event('input', { bubbles: true }));
    form.querySelector('.input')?.focus();
  });
  drop.addEventListener('click', () => {
    localStorage.removeItem(prefix + key);
    place.hidden = true;
  });
}

// A draft goes once the page after it shows that the form was taken.
if (sent) {
  const again = document.querySelector(`[data-form][data-draft="${CSS.escape(sent)}"] [data-error-summary]`);
  if (!again) localStorage.removeItem(prefix + sent);
  sessionStorage.removeItem('draft-sent');
}

// --- Sending and leaving --------------------------------------------------------------------------------------------

function isDirty(form) {
  if (form.dataset.sending) return false;
  if (form.dataset.private !== JSON.stringify(privateValues(form))) return true;
  return !form.dataset.draft && form.dataset.initial !== JSON.stringify(values(form));
}

on('submit', '[data-form]', (event, form) => {
  if (event.defaultPrevented) return;
  if (form.dataset.sending || !(event.submitter?.formNoValidate || check(form))) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = 'true';
  if (form.dataset.draft) sessionStorage.setItem('draft-sent', form.dataset.draft);
  event.submitter?.classList.add('is-busy');
});

addEventListener('pageshow', () => {
  document.querySelectorAll('[data-form]').forEach(form => {
    delete form.dataset.sending;
    form.querySelector('.is-busy')?.classList.remove('is-busy');
  });
});

addEventListener('beforeunload', event => {
  if ([...document.querySelectorAll('[data-form]')].some(isDirty)) event.preventDefault();
});

// --- The index beside a long form -----------------------------------------------------------------------------------

each('.index', index => {
  const links = [...index.querySelectorAll('a')];
  const sections = links.map(link => document.getElementById(link.hash.slice(1))).filter(Boolean);
  const seen = new IntersectionObserver(() => {
    const current = sections.findLast(section => section.getBoundingClientRect().top < innerHeight * 0.4) ?? sections[0];
    links.forEach(link => {
      if (link.hash === `#${current?.id}`) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    });
  }, { threshold: [0, 0.25, 0.5, 0.75, 1] });
  sections.forEach(section => seen.observe(section));
});
