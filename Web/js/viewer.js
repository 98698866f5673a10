// The viewer of papers: keys follow the links that the page has, and the next page is fetched before it is asked for.
import { each } from './dom.js';

each('[data-viewer]', viewer => {
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, dialog[open]')) return;
    const key = event.key === '=' ? '+' : event.key.toLowerCase() === 'r' ? 'r' : event.key;
    const link = viewer.querySelector(`[data-viewer-key="${CSS.escape(key)}"]`);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
  // What is enlarged is moved with the pointer as well as with the scroll bars.
  const stage = viewer.querySelector('.viewer-stage');
  let from = null;
  stage.addEventListener('pointerdown', event => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    event.preventDefault();
    from = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
  });
  addEventListener('pointermove', event => {
    if (from) stage.scrollTo(from.x - event.clientX, from.y - event.clientY);
  });
  addEventListener('pointerup', () => { from = null; });
});
