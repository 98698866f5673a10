// A row of cards that moves on by itself (跑马灯): one card every few seconds, back to the first after the last. It waits
// while somebody points at it or is in it with the keyboard, a button stops it for good, and it never begins for who
// wants no motion. Without scripts the row is moved by hand.
import { each, make } from './dom.js';

const seconds = 5;
const still = matchMedia('(prefers-reduced-motion: reduce)');

each('[data-marquee]', frame => {
  const row = frame.querySelector('.marquee-row');
  if (!row || row.scrollWidth <= row.clientWidth + 1) return;
  let stopped = still.matches;
  const button = make('button', { type: 'button', className: 'button button-quiet' });
  const say = () => { button.textContent = stopped ? '自动滚动' : '停止滚动'; };
  const move = () => {
    if (stopped || document.hidden || frame.matches(':hover') || frame.contains(document.activeElement)) return;
    const card = row.firstElementChild;
    const step = card.nextElementSibling ? card.nextElementSibling.offsetLeft - card.offsetLeft : card.offsetWidth;
    const isAtEnd = row.scrollLeft + row.clientWidth >= row.scrollWidth - 1;
    row.scrollTo({ left: isAtEnd ? 0 : row.scrollLeft + step, behavior: still.matches ? 'auto' : 'smooth' });
  };
  button.addEventListener('click', () => {
    stopped = !stopped;
    say();
  });
  still.addEventListener('change', () => {
    stopped = stopped || still.matches;
    say();
  });
  say();
  frame.querySelector('.marquee-head').append(button);
  setInterval(move, seconds * 1000);
});
