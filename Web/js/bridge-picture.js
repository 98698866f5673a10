// A picture that was just shot: turned left or right, cut to a frame (框选) with pointer or keys, then handed over as JPEG.
import { announce, icon, make } from './dom.js';

const tool = (text, picture) => make('button', { type: 'button', className: 'button button-normal' }, picture ? icon(picture) : null, make('span', {}, text));
const within = (value, low, high) => Math.min(high, Math.max(low, value));
// The narrowest frame, as a part of the picture.
const narrow = 0.05;
const step = 0.02;

export class PictureEditor {
  #canvas = make('canvas', { role: 'img', 'aria-label': '拍到的图片' });
  #frame = make('div', { className: 'bridge-frame', tabindex: '0', role: 'group', 'aria-label': '选框：方向键移动，按住 Shift 用方向键改变大小', hidden: true });
  #stage = make('div', { className: 'bridge-stage' }, this.#canvas, this.#frame);
  #left = tool('左转', null);
  #right = tool('右转', null);
  #crop = tool('框选', null);
  // Parts of the width and height; null is the whole picture.
  #box = null;
  element = make(
    'div', { className: 'bridge-editor', hidden: true },
    make('div', { className: 'bridge-row', role: 'toolbar', 'aria-label': '调整图片' }, this.#left, this.#right, this.#crop), this.#stage);

  constructor() {
    this.#left.addEventListener('click', () => this.#turn(-1));
    this.#right.addEventListener('click', () => this.#turn(1));
    this.#crop.addEventListener('click', () => {
      this.#set(this.#box ? null : { x: 0.1, y: 0.1, width: 0.8, height: 0.8 });
      if (this.#box) this.#frame.focus();
      announce(this.#box ? '已放上选框，用鼠标拖动或方向键调整。' : '已取消选框，使用整张图片。');
    });
    this.#frame.addEventListener('keydown', event => this.#press(event));
    this.#stage.addEventListener('pointerdown', event => this.#drag(event));
    this.#set(null);
  }

  clear() {
    this.element.hidden = true;
    this.#set(null);
  }

  /** Shows a JPEG file, upright. */
  async show(file) {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext('2d').drawImage(picture, 0, 0);
    picture.close();
    this.#set(null);
    this.element.hidden = false;
  }

  /** What is in the frame, or all of it, as a JPEG file. */
  async picture() {
    const { x, y, width, height } = this.#box ?? { x: 0, y: 0, width: 1, height: 1 };
    const cut = document.createElement('canvas');
    cut.width = Math.max(1, Math.round(width * this.#canvas.width));
    cut.height = Math.max(1, Math.round(height * this.#canvas.height));
    cut.getContext('2d').drawImage(this.#canvas, -Math.round(x * this.#canvas.width), -Math.round(y * this.#canvas.height));
    return new Promise(done => cut.toBlob(done, 'image/jpeg', 0.92));
  }

  #turn(way) {
    const { width, height } = this.#canvas;
    const before = make('canvas');
    before.width = width;
    before.height = height;
    before.getContext('2d').drawImage(this.#canvas, 0, 0);
    this.#canvas.width = height;
    this.#canvas.height = width;
    const drawing = this.#canvas.getContext('2d');
    drawing.translate(height / 2, width / 2);
    drawing.rotate(way * Math.PI / 2);
    drawing.drawImage(before, -width / 2, -height / 2);
    // The frame turns along.
    const box = this.#box;
    this.#set(box && (way < 0
      ? { x: box.y, y: 1 - box.x - box.width, width: box.height, height: box.width }
      : { x: 1 - box.y - box.height, y: box.x, width: box.height, height: box.width }));
    announce(way < 0 ? '已左转 90 度。' : '已右转 90 度。');
  }

  #set(box) {
    this.#box = box;
    this.#frame.hidden = !box;
    this.#crop.setAttribute('aria-pressed', String(Boolean(box)));
    this.#crop.querySelector('span').textContent = box ? '取消框选' : '框选';
    if (!box) return;
    for (const [name, part] of [['left', box.x], ['top', box.y], ['width', box.width], ['height', box.height]]) {
      this.#frame.style[name] = `${part * 100}%`;
    }
  }

  #press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const box = { ...this.#box };
    if (event.shiftKey) {
      box.width = within(box.width + way[0] * step, narrow, 1 - box.x);
      box.height = within(box.height + way[1] * step, narrow, 1 - box.y);
    } else {
      box.x = within(box.x + way[0] * step, 0, 1 - box.width);
      box.y = within(box.y + way[1] * step, 0, 1 - box.height);
    }
    this.#set(box);
    const percent = part => Math.round(part * 100);
    announce(`左 ${percent(box.x)}%，上 ${percent(box.y)}%，宽 ${percent(box.width)}%，高 ${percent(box.height)}%`);
  }

  // Inside the frame it moves, at its lower right corner it changes its size, elsewhere a new one is drawn.
  #drag(event) {
    if (!this.#box || event.button > 0) return;
    event.preventDefault();
    const sides = this.#stage.getBoundingClientRect();
    const at = ({ clientX, clientY }) => [within((clientX - sides.left) / sides.width, 0, 1), within((clientY - sides.top) / sides.height, 0, 1)];
    const [startX, startY] = at(event);
    const old = { ...this.#box };
    const corner = 24;
    const isInside = event.target === this.#frame;
    const isCorner = isInside && (old.x + old.width - startX) * sides.width < corner && (old.y + old.height - startY) * sides.height < corner;
    const move = next => {
      const [x, y] = at(next);
      if (isInside && !isCorner) {
        this.#set({ ...old, x: within(old.x + x - startX, 0, 1 - old.width), y: within(old.y + y - startY, 0, 1 - old.height) });
        return;
      }
      const [fromX, fromY] = isCorner ? [old.x, old.y] : [startX, startY];
      const [width, height] = [Math.abs(x - fromX), Math.abs(y - fromY)];
      if (width >= narrow && height >= narrow) this.#set({ x: Math.min(x, fromX), y: Math.min(y, fromY), width, height });
    };
    const end = () => {
      this.#stage.removeEventListener('pointermove', move);
      for (const type of ['pointerup', 'pointercancel']) this.#stage.removeEventListener(type, end);
      this.#frame.focus();
    };
    this.#stage.setPointerCapture(event.pointerId);
    this.#stage.addEventListener('pointermove', move);
    for (const type of ['pointerup', 'pointercancel']) this.#stage.addEventListener(type, end);
  }
}
