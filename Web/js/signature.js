// 当面签字: somebody signs with a finger in a frame, which goes in place of the picture that the form asks for.
import { each, make } from './dom.js';

each('[data-signature-form]', form => {
  const input = form.querySelector('input[type="file"]');
  if (!input || !('DataTransfer' in window)) return;
  const canvas = make('canvas', { className: 'signature', width: '640', height: '240', tabindex: '0', 'aria-label': '签字的方框' });
  const clear = make('button', { type: 'button', className: 'button button-normal' }, '重签');
  // The frame comes before the button for a picture, which most people do not need.
  const field = input.closest('.field');
  const frame = make('div', { className: 'signature-frame' }, canvas, clear);
  field.insertBefore(frame, [...field.children].find(child => child.contains(input)) ?? null);
  const pen = canvas.getContext('2d');
  let last = null;
  let isSigned = false;
  // Whether what the input holds is what stands in the frame: an upload may be interrupted and sent again.
  let isTaken = false;

  function wipe() {
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    isSigned = false;
    isTaken = false;
    last = null;
  }

  // A picture that was chosen, or strokes of before, are not sent beside what is written now; whoever looks sees it go.
  function drop() {
    isTaken = false;
    if (input.files.length === 0) return;
    input.value = '';
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }

  const at = event => {
    const frame = canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) * canvas.width / frame.width, (event.clientY - frame.top) * canvas.height / frame.height];
  };
  canvas.addEventListener('pointerdown', event => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
  });
  canvas.addEventListener('pointermove', event => {
    if (!last) return;
    const next = at(event);
    pen.strokeStyle = '#111';
    pen.lineWidth = 4;
    pen.lineCap = 'round';
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
    isSigned = true;
    drop();
  });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { last = null; });
  clear.addEventListener('click', () => {
    wipe();
    drop();
  });
  // A photograph takes the place of what was written.
  input.addEventListener('change', () => { if (input.files.length > 0) wipe(); });
  wipe();

  form.addEventListener('submit', event => {
    if (!isSigned || isTaken) return;
    event.preventDefault();
    canvas.toBlob(picture => {
      const files = new DataTransfer();
      files.items.add(new File([picture], 'signature.png', { type: 'image/png' }));
      input.files = files.files;
      isTaken = true;
      form.requestSubmit(event.submitter);
    }, 'image/png');
  });
});
