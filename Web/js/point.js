// A place field: the device's own position, or a click on a map.
import { each } from './dom.js';
import { position } from './position.js';

each('[data-point]', field => {
  const longitude = field.querySelector('[name$=".lon"]');
  const latitude = field.querySelector('[name$=".lat"]');
  const status = field.querySelector('[data-point-status]');
  const canvas = field.querySelector('[data-point-canvas]');
  let picker = null;

  function set(lon, lat, text) {
    longitude.value = lon.toFixed(6);
    latitude.value = lat.toFixed(6);
    status.textContent = text;
    longitude.dispatchEvent(new Event('input', { bubbles: true }));
    picker?.show(lon, lat);
  }

  field.querySelector('[data-point-here]')?.addEventListener('click', async () => {
    status.textContent = '正在定位…';
    try {
      const here = await position();
      set(here.longitude, here.latitude, `已填入当前位置，误差约 ${Math.round(here.accuracy)} 米`);
    } catch (error) {
      status.textContent = error.message;
    }
  });

  field.querySelector('[data-point-map]')?.addEventListener('click', async () => {
    if (!canvas.hidden) {
      canvas.hidden = true;
      return;
    }
    canvas.hidden = false;
    if (picker) return;
    const { pickOnMap } = await import('./map.js');
    const [lon, lat, zoom] = (field.dataset.start ?? '107.502,31.212,12').split(',').map(Number);
    const at = longitude.value && latitude.value ? [Number(longitude.value), Number(latitude.value)] : null;
    picker = await pickOnMap(canvas, { center: at ?? [lon, lat], zoom: at ? 16 : zoom, at }, (x, y) => {
      set(x, y, '已填入地图上选的位置');
    });
  });
});
