// Devices on the officer's own PC (本地设备): a document camera and a card reader behind a program on the loopback
// (docs/device-bridge.md). What is shot goes into the form's own file field, what is read goes to the form's own address;
// nothing of either stays in the browser. Without the program the form is as it always was.
import { announce, each, icon, make } from './dom.js';
import { PictureEditor } from './bridge-picture.js';

const place = document.querySelector('[data-bridge]');
const { bridge: origin, bridgeCard, bridgeCamera } = place?.dataset ?? {};
const cards = new Set((place?.dataset.bridgeFields ?? '').split(' ').filter(Boolean));

// The pairing code belongs to this PC, not to a person; everything else is forgotten with the page.
const key = 'bridge-code';
const code = () => localStorage.getItem(key) ?? '';

/** What went wrong, in words that say what to do. */
class Trouble extends Error {
  constructor(name, said) {
    super(words[name] ?? (said ? `${said}。请看设备桥程序的窗口，处理后再试。` : words.failed));
    this.name = name;
  }
}
const words = {
  away: '没有连上本机的设备桥程序。请确认它已启动；浏览器询问是否允许访问本机设备时，请选允许。没有设备时照常填写、选择文件。',
  timeout: '等了太久，设备没有答复。请检查连线和放置，再试一次。',
  unpaired: '这台电脑还没有配对，或配对码不对。请输入设备桥程序窗口里显示的配对码。',
  'origin-refused': '设备桥程序没有允许这个网站。请联系管理员，把本网站的地址加到它的设置里。',
  'device-missing': '没有找到设备。请检查设备的电源和连线，再试一次。',
  'device-busy': '设备正被别的程序使用。请关闭那个程序，再试一次。',
  'no-card': '读卡器上没有读到身份证。请放好卡片，再试一次。',
  'card-unreadable': '卡片读不出来。请取下擦净，重新放置后再试；仍不行请手工填写。',
  garbled: '设备桥程序的答复看不懂，可能版本不对。请联系管理员更新它。',
  failed: '设备没有做成。请再试一次，或照常填写、选择文件。',
};

/** One question to the program. */
async function ask(path, seconds, body) {
  let answer;
  try {
    answer = await fetch(origin + path, {
      method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), signal: AbortSignal.timeout(seconds * 1000),
      headers: { 'X-Lifang-Bridge': code(), ...(body && { 'Content-Type': 'application/json' }) },
      credentials: 'omit', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer',
    });
    if (answer.ok) return answer.headers.get('Content-Type')?.startsWith('image/') ? await answer.blob() : await answer.json();
  } catch (error) {
    throw new Trouble(error.name === 'TimeoutError' ? 'timeout' : error instanceof SyntaxError ? 'garbled' : 'away');
  }
  const said = await answer.json().catch(() => ({}));
  throw new Trouble(String(said.code ?? 'failed'), String(said.message ?? '').slice(0, 100));
}

// --- Pairing --------------------------------------------------------------------------------------------------------

/** A dialog of this page's own; it goes when it is closed, and the focus returns to where it was. */
function open(title, ...content) {
  const dialog = make(
    'dialog', { className: 'dialog bridge-dialog', 'aria-label': title }, make('h2', { className: 'dialog-title' }, title), ...content);
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  return dialog;
}

const button = (text, kind, picture, properties = {}) =>
  make('button', { type: 'button', className: `button button-${kind}`, ...properties }, picture ? icon(picture) : null, make('span', {}, text));

/** Where the code is typed; `paired` is called once there is one. */
function pairing(paired) {
  const input = make('input', { className: 'input number', id: 'bridge-code', autocomplete: 'off', maxlength: '64', required: true });
  const form = make(
    'form', { className: 'bridge-pairing', method: 'dialog' }, make('label', { for: 'bridge-code', className: 'field-label' }, '配对码'),
    input, make('button', { className: 'button button-primary' }, '配对'));
  form.addEventListener('submit', event => {
    event.preventDefault();
    localStorage.setItem(key, input.value.trim());
    paired();
  });
  return form;
}

function pair(then) {
  const close = button('关闭', 'quiet', null);
  const dialog = open('配对本机设备', make('p', { role: 'alert' }, words.unpaired), pairing(() => {
    dialog.close();
    then();
  }), make('div', { className: 'dialog-actions' }, close));
  close.addEventListener('click', () => dialog.close());
}

// --- Cards ----------------------------------------------------------------------------------------------------------

const parts = ['number', 'name', 'sex', 'ethnic', 'birth_date', 'address', 'valid_to'];

async function read(input, pressed, status) {
  if (pressed.getAttribute('aria-busy')) return;
  const say = (text, isTrouble = false) => {
    status.textContent = text;
    status.classList.toggle('is-trouble', isTrouble);
  };
  pressed.setAttribute('aria-busy', 'true');
  say('正在读卡，请把身份证放在读卡器上……');
  try {
    const card = await ask('/v1/card/read', Number(bridgeCard), {});
    if (card.kind !== 'resident_id' || typeof card.number !== 'string') throw new Trouble('garbled');
    const values = { _fill: 'card.read', '_card.field': input.name };
    for (const part of parts) values[`_card.${part}`] = String(card[part] ?? '');
    say('已读到卡片，正在与人口登记比对……');
    if (!await bring(input, values)) say('没有连上服务器，没有带入。请再试一次。', true);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.name === 'unpaired') {
      say('');
      pair(() => read(input, pressed, status));
    } else {
      say(error.message, true);
    }
  } finally {
    pressed.removeAttribute('aria-busy');
  }
}

/** The server draws the form again with what the card brought, as it does for other answers; says whether it did. */
async function bring({ name, form }, values) {
  await window.htmx.ajax('POST', form.action, { source: form, target: '.form-page', select: '.form-page', swap: 'outerHTML', values });
  const input = document.querySelector(`[data-form] [name="${CSS.escape(name)}"]`);
  if (!input || input.form === form) return false;
  const summary = document.querySelector('[data-error-summary]');
  (summary ?? input).focus();
  announce(summary ? '已读卡，有几处需要核对。' : '已读卡，号码和人口信息已带入，请核对。');
  return true;
}

each('[data-form] input.number', input => {
  if (!origin || !cards.has(input.name) || input.readOnly) return;
  const pressed = button('读身份证', 'normal', 'person', { 'data-bridge-read': '' });
  const status = make('span', { className: 'bridge-status', role: 'status' });
  pressed.addEventListener('click', () => read(input, pressed, status));
  (input.closest('.with-unit') ?? input).after(make('div', { className: 'bridge-row' }, pressed, status));
});

// --- Camera ---------------------------------------------------------------------------------------------------------

const cameraNames = { document: '拍材料', portrait: '拍人像' };
let shots = 0;

function shoot(input) {
  const editor = new PictureEditor();
  const status = make('p', { className: 'bridge-status', role: 'status' });
  const choice = make('div', { className: 'bridge-row', role: 'group', 'aria-label': '摄像头' });
  const extra = make('div');
  const again = button('重拍', 'normal', 'camera');
  const use = button('使用这张', 'primary', 'check');
  const close = button('关闭', 'quiet', null);
  const dialog = open('高拍仪拍摄', choice, status, extra, editor.element, make('div', { className: 'dialog-actions' }, close, again, use));
  let camera = 'document';
  let running = 0;

  async function take() {
    const turn = ++running;
    extra.replaceChildren();
    editor.clear();
    use.disabled = true;
    again.setAttribute('aria-busy', 'true');
    status.classList.remove('is-trouble');
    status.textContent = '正在拍摄……';
    try {
      if (!choice.childElementCount) await offer();
      const picture = await ask('/v1/camera/shoot', Number(bridgeCamera), { camera });
      if (!(picture instanceof Blob) || picture.type !== 'image/jpeg') throw new Trouble('garbled');
      if (turn !== running || !dialog.open) return;
      try {
        await editor.show(picture);
      } catch {
        throw new Trouble('garbled');
      }
      use.disabled = false;
      status.textContent = '已拍好。可以转正、框选要留的部分，再使用这张。';
      use.focus();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (turn !== running) return;
      status.classList.add('is-trouble');
      status.textContent = error.message;
      if (error.name === 'unpaired') {
        extra.replaceChildren(pairing(take));
        extra.querySelector('input').focus();
      }
    } finally {
      if (turn === running) again.removeAttribute('aria-busy');
    }
  }

  /** One button for each camera, when there are several. */
  async function offer() {
    const { devices } = await ask('/v1/devices', Number(bridgeCamera));
    const cameras = Array.isArray(devices) ? devices.filter(({ kind, camera: name }) => kind === 'camera' && name in cameraNames) : [];
    if (!cameras.length) throw new Trouble('device-missing');
    camera = (cameras.find(one => one.camera === camera) ?? cameras[0]).camera;
    if (cameras.length < 2) return;
    choice.replaceChildren(...cameras.map(({ camera: name }) => {
      const one = button(cameraNames[name], 'normal', null, { 'aria-pressed': String(name === camera) });
      one.addEventListener('click', () => {
        camera = name;
        for (const other of choice.children) other.setAttribute('aria-pressed', String(other === one));
        take();
      });
      return one;
    }));
  }

  again.addEventListener('click', take);
  close.addEventListener('click', () => dialog.close());
  use.addEventListener('click', async () => {
    const picture = await editor.picture();
    const files = new DataTransfer();
    if (input.multiple) for (const file of input.files) files.items.add(file);
    shots += 1;
    files.items.add(new File([picture], `${camera === 'portrait' ? '人像' : '高拍'}${shots}.jpg`, { type: 'image/jpeg' }));
    input.files = files.files;
    // Whoever shoots a paper means to hand it in.
    const way = input.form?.querySelector(`[name="${CSS.escape(input.name)}.way"][value="files"]`);
    if (way) way.checked = true;
    dialog.close();
    input.dispatchEvent(new Event('change', { bubbles: true }));
    announce(`已放入“${input.files[input.files.length - 1].name}”。`);
  });
  take();
}

each('[data-files] input[type="file"]', input => {
  if (!origin || !('DataTransfer' in window) || !/image|jpe?g/.test(input.accept)) return;
  const pressed = button('高拍仪拍摄', 'normal', 'camera', { 'data-bridge-shoot': '' });
  pressed.addEventListener('click', () => shoot(input));
  input.closest('.file-drop').after(make('div', { className: 'bridge-row' }, pressed));
});
