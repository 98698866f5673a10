// Scanning a plate with the camera, where the browser can read codes itself; the field for typing is always there.
import { each, icon, make } from './dom.js';

each('[data-scan]', async view => {
  if (!('BarcodeDetector' in window) || !navigator.mediaDevices?.getUserMedia) return;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes('qr_code')) return;
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  const form = view.querySelector('form');
  const status = view.querySelector('[data-scan-status]');
  const button = make('button', { type: 'button', className: 'button button-primary scan-button' }, icon('scan'), make('span', {}, '打开相机扫码'));
  const video = make('video', { className: 'scan-video', playsinline: true, muted: true });
  video.hidden = true;
  view.prepend(button, video);

  let stream = null;
  function stop() {
    stream?.getTracks().forEach(track => track.stop());
    stream = null;
    video.hidden = true;
    button.hidden = false;
  }

  async function look() {
    if (!stream) return;
    const [code] = await detector.detect(video).catch(() => []);
    if (!code) {
      setTimeout(look, 150);
      return;
    }
    navigator.vibrate?.(60);
    stop();
    form.elements.namedItem('code').value = code.rawValue;
    status.textContent = '已读到二维码，正在打开…';
    form.requestSubmit();
  }

  button.addEventListener('click', async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch {
      status.textContent = '没有相机权限。请在浏览器设置里允许使用相机，或在下面输入编码。';
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    button.hidden = true;
    status.textContent = '把门牌上的二维码放进画面';
    await video.play();
    look();
  });
  addEventListener('pagehide', stop);
});
