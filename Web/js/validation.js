// Checks of one field in words: on leaving it, and once more before sending. The server checks everything again.
import { icon, make } from './dom.js';

const labelOf = input => {
  const field = input.closest('.field');
  const label = field?.querySelector('.field-label, legend');
  const name = [...(label?.childNodes ?? [])].find(node => node.nodeType === Node.TEXT_NODE)?.textContent.trim();
  return name || input.getAttribute('aria-label') || '这一项';
};

const isChosen = input => input.matches('select, [type="radio"], [type="checkbox"], [type="date"], [type="file"]');

/** What is wrong with `input`, or nothing. */
export function complaint(input) {
  const { validity } = input;
  const label = labelOf(input);
  if (validity.valid) return '';
  if (validity.valueMissing) return `请${isChosen(input) ? '选择' : '填写'}${label}`;
  if (validity.badInput) return `${label}要填数字`;
  if (validity.tooLong) return `${label}最多 ${input.maxLength} 个字`;
  if (validity.rangeUnderflow) return `${label}不能小于 ${input.min}`;
  if (validity.rangeOverflow) return `${label}不能大于 ${input.max}`;
  if (validity.stepMismatch) return `${label}的小数位数过多`;
  if (validity.typeMismatch) return `${label}的格式不对`;
  if (validity.patternMismatch) return input.title || `${label}的格式不对`;
  return input.validationMessage;
}

/** Shows `message` below the field, or takes an old one away. */
export function mark(input, message) {
  const field = input.closest('.field');
  if (!field) return;
  const id = `${field.querySelector('[id^="f-"]')?.id ?? input.id}-error`;
  let note = document.getElementById(id);
  field.classList.toggle('has-error', Boolean(message));
  if (message) {
    input.setAttribute('aria-invalid', 'true');
    if (!note) {
      note = make('p', { className: 'field-error', id });
      field.append(note);
    }
    note.replaceChildren(icon('error'), message);
    const described = new Set((input.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean)).add(id);
    input.setAttribute('aria-describedby', [...described].join(' '));
  } else {
    input.removeAttribute('aria-invalid');
    note?.remove();
  }
}

/** Checks the whole form, shows what is wrong with links at its top, and says whether it may be sent. */
export function check(form) {
  const wrong = [];
  const seen = new Set();
  for (const input of form.elements) {
    if (!input.willValidate || seen.has(input.name)) continue;
    const message = complaint(input);
    if (message) {
      seen.add(input.name);
      wrong.push({ input, message });
    }
    if (input.closest('.field')) mark(input, message);
  }
  form.querySelector('.error-summary')?.remove();
  if (wrong.length === 0) return true;
  const summary = make(
    'div', { className: 'error-summary', role: 'alert', tabindex: '-1' },
    make('h2', {}, icon('error'), `有 ${wrong.length} 处需要修改，已填写的内容都还在`),
    make('ul', {}, ...wrong.map(({ input, message }) => make('li', {}, make('a', { href: `#${input.id}` }, message)))));
  form.prepend(summary);
  summary.focus();
  summary.scrollIntoView({ block: 'nearest' });
  return false;
}
