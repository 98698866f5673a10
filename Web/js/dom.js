// The few helpers the modules share.

/** Calls `handler(event, element)` for events of `type` that start inside an element matching `selector`. */
export function on(type, selector, handler, options) {
  document.addEventListener(type, event => {
    const element = event.target instanceof Element ? event.target.closest(selector) : null;
    if (element) handler(event, element);
  }, options);
}

/** Runs `setUp` for every element matching `selector`, now and whenever htmx brings new ones. */
export function each(selector, setUp) {
  const run = root => {
    if (root.matches?.(selector)) setUp(root);
    root.querySelectorAll(selector).forEach(setUp);
  };
  run(document);
  document.addEventListener('htmx:load', event => {
    if (event.detail.elt !== document.body) run(event.detail.elt);
  });
}

/** An element with properties and children; text children are never parsed as markup. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name in element && typeof value !== 'string') element[name] = value;
    else element.setAttribute(name === 'className' ? 'class' : name, value === true ? '' : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** A picture of the sprite. */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', new URL(`../icons.svg#${name}`, import.meta.url).href);
  svg.append(use);
  return svg;
}

/** Says `text` to assistive technology without showing it. */
export function announce(text) {
  const region = document.getElementById('announcer');
  if (region) region.textContent = text;
}

/** `handler`, once calls have stopped for `wait` milliseconds. */
export function settled(handler, wait) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => handler(...values), wait);
  };
}

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

/** `1234567` as `1,234,567`. */
export const grouped = number => Number(number).toLocaleString('en-US');

/** Whether a link or key press is the plain kind that scripts may take over. */
export const isPlain = event =>
  !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && !(event.button > 0);
