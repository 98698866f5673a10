// A place field: the device's own position, or a click on a map.
import { each } from './dom.js';
import { position } from './position.js';

/** Metres between two near places. */
function distance(lon1, lat1, lon2, lat2) {
  const x = (lon2 - lon1) * 111320 * Math.cos(lat1 * Math.PI / 180);
  return Math.hypot(x, (lat2 - lat1) * 110574);
}

each('[data-point]', field => {
  const longitude = field.querySelector('[name$=".lon"]');
  const latitude = field.querySelector('[name$=".lat"]');
  const status = field.querySelector('[data-point-status]');
  const canvas = field.querySelector('[data-point-canvas]');
  let picker = null;

  const nudges = field.querySelector('[data-point-nudges]');
  const measured = Object.fromEntries([...field.querySelectorAll('[data-point-measured]')].map(input => [input.dataset.pointMeasured, input]));

  function set(lon, lat, text) {
    longitude.value = lon.toFixed(6);
    latitude.value = lat.toFixed(6);
    status.textContent = text;
    longitude.dispatchEvent(new Event('input', { bubbles: true }));
    picker?.show(lon, lat);
    if (nudges) nudges.hidden = false;
  }

  // The place that counts may be moved; what the device measured stays beside it (纠偏).
  function moved() {
    if (!measured['measured.lon']?.value) return '';
    const metres = distance(Number(measured['measured.lon'].value), Number(measured['measured.lat'].value), Number(longitude.value), Number(latitude.value));
    return `，离实测位置 ${Math.round(metres)} 米`;
  }

  const steps = { north: [0, 2], south: [0, -2], west: [-2, 0], east: [2, 0] };
  nudges?.addEventListener('click', event => {
    const step = steps[event.target.closest('[data-point-nudge]')?.dataset.pointNudge];
    if (!step || !longitude.value || !latitude.value) return;
    const lat = Number(latitude.value);
    set(Number(longitude.value) + step[0] / (111320 * Math.cos(lat * Math.PI / 180)), lat + step[1] / 110574, '');
    status.textContent = `已微调 2 米${moved()}`;
  });

  field.querySelector('[data-point-here]')?.addEventListener('click', async () => {
    status.textContent = '正在定位…';
    try {
      const here = await position();
      if (measured.accuracy) {
        measured['measured.lon'].value = here.longitude.toFixed(7);
        measured['measured.lat'].value = here.latitude.toFixed(7);
        measured.accuracy.value = here.accuracy.toFixed(1);
      }
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
    const middle = document.querySelector('meta[name="map-start"]')?.content;
    const [lon, lat, zoom] = (field.dataset.start ?? `${middle},12`).split(',').map(Number);
    const at = longitude.value && latitude.value ? [Number(longitude.value), Number(latitude.value)] : null;
    picker = await pickOnMap(canvas, { center: at ?? [lon, lat], zoom: at ? 16 : zoom, at }, (x, y) => {
      set(x, y, '');
      status.textContent = `已填入地图上选的位置${moved()}`;
    });
  });
});
