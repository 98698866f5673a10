// Checks on the device, without network, whether a plate's QR code was signed by the city (js/sm2.js).
import { each, icon, make } from './dom.js';
import { isSigned } from './sm2.js';

const FIGURES = 160;

/** The signature at the end of a scanned text, in figures: two bytes in each five. */
function signature(text) {
  const figures = text.slice(-FIGURES);
  if (text.length <= FIGURES || !/^[0-9]+$/.test(figures)) return null;
  const bytes = new Uint8Array(64);
  for (let pair = 0; pair < 32; pair++) {
    const value = Number(figures.slice(pair * 5, pair * 5 + 5));
    if (value > 0xffff) return null;
    bytes[pair * 2] = value >> 8;
    bytes[pair * 2 + 1] = value & 255;
  }
  return { bytes, signed: text.slice(0, -FIGURES) };
}

const bytes = hex => Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16));

each('[data-plate]', view => {
  const form = view.querySelector('[data-plate-form]');
  const field = form.elements.namedItem('code');
  const place = view.querySelector('[data-plate-verdict]');
  const keys = (view.dataset.plateKeys ?? '').split(',').filter(Boolean).map(bytes);
  const marks = JSON.parse(view.dataset.plateMarks ?? '[]');

  function show(tone, mark, title, text) {
    place.replaceChildren(make('div', { className: `notice tone-${tone}`, role: tone === 'danger' ? 'alert' : 'status' },
      icon(mark), make('div', { className: 'notice-text' },
        make('p', { className: 'notice-title' }, title), make('p', {}, text))));
    place.scrollIntoView({ block: 'nearest' });
  }

  form.addEventListener('submit', event => {
    const text = field.value.trim();
    const found = signature(text);
    const rule = found && marks.find(mark => found.signed.startsWith(mark[0]) && found.signed.endsWith(mark[1]));
    if (!found && navigator.onLine) return;
    event.preventDefault();
    if (!found) {
      show('warning', 'warning', '离线不能核验', '二维码里没有国密签名。连上网络后再核验，或用手机扫码打开核对。');
    } else if (keys.some(key => isSigned(new TextEncoder().encode(found.signed), found.bytes, key))) {
      const code = rule ? found.signed.slice(rule[0].length, found.signed.length - rule[1].length) : found.signed;
      show('success', 'success', '签名有效', `这块门牌的二维码由本市制作。地址编码 ${code}。请再核对牌面的地址与扫码页面是否一致。`);
    } else {
      show('danger', 'danger', '签名无效', '二维码不是本市制作的，或被改动过。请不要通过它付款或填写个人信息，并告诉社区民警。');
    }
  });
});
