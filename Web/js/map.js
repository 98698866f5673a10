// Maps of our own vector tiles (MapLibre GL). No glyph server exists, so every label is an image drawn on a canvas.
//
// A tile of `/tiles/{layer}/{z}/{x}/{y}.mvt` holds one layer of that name. Read here: `label`; the feature's id, as its
// own or as the property `id`; of points `count`, when several are gathered; of divisions `level`; of roads `class`.
import { announce, each, make } from './dom.js';
import { looks, mapLayers, registerOf, toneOf } from './map-style.js';

const assets = new URL('..', import.meta.url);
const font = '"PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';
const words = {
  'NavigationControl.ZoomIn': '放大', 'NavigationControl.ZoomOut': '缩小', 'NavigationControl.ResetBearing': '转正',
  'GeolocateControl.FindMyLocation': '我的位置', 'GeolocateControl.LocationNotAvailable': '不能定位',
  'ScaleControl.Meters': '米', 'ScaleControl.Kilometers': '公里', 'Popup.Close': '关闭', 'Marker.Title': '所选位置',
};

let library = null;

/** MapLibre, loaded when the first map is wanted. */
function maplibre() {
  library ??= new Promise((resolve, reject) => {
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('assets/maplibre-gl.css', assets).href }));
    const script = make('script', { src: new URL('assets/maplibre-gl.js', assets).href });
    script.addEventListener('load', () => resolve(window.maplibregl));
    script.addEventListener('error', () => reject(new Error('地图组件没有加载成功，请检查网络后刷新。')));
    document.head.append(script);
  });
  return library;
}

const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

/** Draws the image named `label|look|text`. */
function drawLabel(map, name) {
  const [kind, look, ...rest] = name.split('|');
  if (kind !== 'label' || map.hasImage(name)) return;
  const text = rest.join('|');
  const { size, weight, colour, halo } = looks[look];
  const ratio = Math.max(2, window.devicePixelRatio);
  const pixels = size * Math.min(scale(), 1.5) * ratio;
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const face = `${weight} ${pixels}px ${font}`;
  context.font = face;
  const margin = 3 * ratio;
  const width = Math.ceil(context.measureText(text).width + margin * 2);
  const height = Math.ceil(pixels * 1.3 + margin * 2);
  context.canvas.width = width;
  context.canvas.height = height;
  context.font = face;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  if (halo) {
    context.strokeStyle = halo;
    context.lineWidth = 3.5 * ratio;
    context.strokeText(text, margin, height / 2);
  }
  context.fillStyle = colour;
  context.fillText(text, margin, height / 2);
  map.addImage(name, context.getImageData(0, 0, width, height), { pixelRatio: ratio });
}

async function create(canvas, { center, zoom, tiles, layers, label }) {
  const gl = await maplibre();
  const sources = {};
  for (const layer of layers) {
    const address = tiles.replace('{layer}', layer.name);
    sources[layer.name] = { type: 'vector', tiles: [new URL(address, location.href).href.replaceAll('%7B', '{').replaceAll('%7D', '}')], minzoom: 0, maxzoom: 16 };
  }
  const map = new gl.Map({
    container: canvas, center, zoom, minZoom: 5, maxZoom: 20, attributionControl: false, dragRotate: false,
    pitchWithRotate: false, touchPitch: false, locale: { ...words, 'Map.Title': label ?? '地图' },
    localIdeographFontFamily: font, fadeDuration: 0,
    style: { version: 8, sources, layers: mapLayers(layers) },
  });
  map.touchZoomRotate.disableRotation();
  map.on('styleimagemissing', event => drawLabel(map, event.id));
  map.addControl(new gl.NavigationControl({ showCompass: false }), 'top-right');
  map.addControl(new gl.ScaleControl({ maxWidth: 120, unit: 'metric' }), 'bottom-left');
  return { gl, map };
}

const drawn = (name, attributes, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const drop = 'M12 29s-10-9.5-10-17a10 10 0 0 1 20 0c0 7.5-10 17-10 17z';

/** A pin with a hole, or with the number of the places it stands for. */
const pin = (label = '所选位置', role = 'img', count = 1) => make('div', { className: 'map-pin', role, 'aria-label': label },
  drawn('svg', { viewBox: '0 0 24 30', 'aria-hidden': 'true' },
    ...(count > 1 ? [drawn('path', { d: drop }), drawn('text', { x: 12, y: 16 }, String(count))] : [drawn('path', { d: `${drop}m0-13a4 4 0 1 0 0-8 4 4 0 0 0 0 8z` })])));

/** Places that would stand over one another on this map as it is zoomed, together: a finger hits each pin. */
function gathered(map, places) {
  const apart = 2.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const groups = [];
  for (const place of places) {
    const at = map.project(place.at);
    const near = groups.find(group => Math.abs(group.point.x - at.x) < apart && Math.abs(group.point.y - at.y) < apart);
    if (near) near.places.push(place);
    else groups.push({ point: at, places: [place] });
  }
  return groups.map(group => group.places);
}

/** The named places of a map (`markers`), each to be opened; drawn anew when the zoom or the size changes. */
function pins(map, gl, places) {
  let shown = [], grouping = null;
  const draw = () => {
    if (shown.some(marker => marker.getPopup().isOpen())) return;
    const groups = gathered(map, places);
    const now = JSON.stringify(groups.map(group => group.map(place => places.indexOf(place))));
    if (now === grouping) return;
    grouping = now;
    for (const marker of shown) marker.remove();
    shown = groups.map(group => {
      const label = group.length === 1 ? group[0].label : `${group.length} 处：${group.map(place => place.label).join('、')}`;
      const element = pin(label, 'button', group.length);
      const rows = group.flatMap(place => [make('h3', {}, place.label), place.href ? make('a', { className: 'button button-normal', href: place.href }, '查看详情') : null]);
      const popup = new gl.Popup({ offset: 30 }).setDOMContent(make('div', { className: 'map-card is-places' }, ...rows));
      popup.on('close', draw);
      const marker = new gl.Marker({ element, anchor: 'bottom' }).setLngLat(group[0].at).setPopup(popup).addTo(map);
      // The library names every marker alike when it is added.
      element.setAttribute('aria-label', label);
      return marker;
    });
  };
  draw();
  map.on('zoomend', draw);
  map.on('resize', draw);
}

// --- Layers on and off, remembered ----------------------------------------------------------------------------------

const stored = 'map-layers';

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(stored)) ?? {};
  } catch {
    return {};
  }
}

function layerSwitch(map, layers) {
  const apply = (name, isOn) => {
    for (const layer of map.getStyle().layers) {
      if (layer.source === name) map.setLayoutProperty(layer.id, 'visibility', isOn ? 'visible' : 'none');
    }
  };
  const rows = layers.map(layer => {
    const box = make('input', { type: 'checkbox', checked: layer.on });
    box.addEventListener('change', () => {
      apply(layer.name, box.checked);
      localStorage.setItem(stored, JSON.stringify({ ...remembered(), [layer.name]: box.checked }));
    });
    return make('li', {}, make('label', {}, box, layer.label, make('span', { className: `map-swatch is-${registerOf(layer.name)} is-tone-${toneOf(layer.name, layers) % 6}`, 'aria-hidden': 'true' })));
  });
  return make('details', { className: 'map-key', open: !matchMedia('(max-width: 61.99rem)').matches },
    make('summary', {}, '图层与图例'), make('ul', {}, ...rows));
}

// --- A click opens the card of what is there ------------------------------------------------------------------------

async function card(gl, map, at, path, fallback, offset = 0) {
  const content = make('div', { className: 'map-card' }, make('p', {}, fallback));
  const popup = new gl.Popup({ maxWidth: '20rem', focusAfterOpen: true, offset }).setLngLat(at).setDOMContent(content).addTo(map);
  if (!path) return popup;
  try {
    const answer = await fetch(path, { headers: { 'HX-Request': 'true', 'HX-Target': 'map-card' } });
    if (!answer.ok) throw new Error(String(answer.status));
    content.innerHTML = await answer.text();
    window.htmx?.process(content);
    popup.setDOMContent(content);
  } catch {
    content.append(make('p', {}, '详情没有取到，请稍后重试。'));
  }
  return popup;
}

function openable(map, gl, config) {
  const layers = map.getStyle().layers.filter(layer => layer.metadata?.opens).map(layer => layer.id);
  map.on('mousemove', event => {
    const found = map.queryRenderedFeatures(event.point, { layers });
    map.getCanvas().classList.toggle('is-pointing', found.length > 0);
  });
  map.on('click', event => {
    const feature = map.queryRenderedFeatures(event.point, { layers })[0];
    if (!feature) return;
    const { label, count } = feature.properties;
    const id = feature.id ?? feature.properties.id;
    const at = feature.geometry.type === 'Point' ? feature.geometry.coordinates : event.lngLat;
    if (count > 1) {
      map.easeTo({ center: at, zoom: Math.min(map.getZoom() + 2, 19) });
      return;
    }
    const template = config.layers.find(layer => layer.name === feature.source)?.card;
    const path = template && id !== undefined ? template.replace('{id}', encodeURIComponent(id)) : null;
    if (path || label) card(gl, map, at, path, label ?? '');
  });
}

// --- The list beside, in step ---------------------------------------------------------------------------------------

function follow(map, gl, config) {
  const list = document.querySelector('[data-map-list]');
  if (!list || config.small) return;
  const marker = new gl.Marker({ element: pin(), anchor: 'bottom' });
  const point = item => item.dataset.at?.split(',').map(Number);

  list.addEventListener('click', event => {
    const item = event.target.closest('[data-at]');
    if (!item || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    list.querySelector('[aria-current]')?.removeAttribute('aria-current');
    item.setAttribute('aria-current', 'true');
    map.flyTo({ center: point(item), zoom: Math.max(map.getZoom(), 17), essential: false });
    marker.setLngLat(point(item)).addTo(map);
    const title = item.querySelector('.map-item-title')?.firstChild?.textContent ?? '';
    card(gl, map, point(item), item.dataset.card ?? null, title, 36);
  });
  for (const type of ['mouseover', 'focusin']) {
    list.addEventListener(type, event => {
      const item = event.target.closest('[data-at]');
      if (item) marker.setLngLat(point(item)).addTo(map);
    });
  }
  if (!list.dataset.mapList || !window.htmx) return;
  map.on('moveend', event => {
    if (!event.originalEvent) return;
    const [[west, south], [east, north]] = map.getBounds().toArray();
    const url = new URL(list.dataset.mapList, location.href);
    url.searchParams.set('bbox', [west, south, east, north].map(value => value.toFixed(6)).join(','));
    url.searchParams.set('zoom', map.getZoom().toFixed(1));
    window.htmx.ajax('GET', url.href, { target: list, swap: 'innerHTML' })
      .then(() => announce(list.querySelector('.map-list-head')?.textContent ?? '列表已随地图更新'));
  });
}

each('[data-map]', async view => {
  const config = JSON.parse(view.dataset.map);
  const canvas = view.querySelector('[data-map-canvas]');
  try {
    const kept = remembered();
    const layers = config.layers.map(layer => ({ ...layer, on: config.small ? layer.on : kept[layer.name] ?? layer.on }));
    const { gl, map } = await create(canvas, { ...config, layers, label: canvas.getAttribute('aria-label') });
    pins(map, gl, config.markers);
    if (!config.small) {
      map.addControl(new gl.GeolocateControl({ positionOptions: { enableHighAccuracy: true } }), 'top-right');
      view.append(layerSwitch(map, layers));
    }
    map.once('load', () => {
      openable(map, gl, config);
      follow(map, gl, config);
      view.dataset.ready = 'true';
    });
  } catch (error) {
    canvas.replaceChildren(make('p', { className: 'map-off' },
      error instanceof Error && /[\u4e00-\u9fff]/.test(error.message) ? error.message : '这个浏览器显示不了地图，列表里有同样的内容。'));
  }
});

/** A small map on which a click chooses a place: for place fields. */
export async function pickOnMap(canvas, { center, zoom, at }, chosen) {
  const layers = [
    { name: 'divisions', label: '', on: true }, { name: 'roads', label: '', on: true }, { name: 'buildings', label: '', on: true },
  ];
  const { gl, map } = await create(canvas, { center, zoom, tiles: '/tiles/{layer}/{z}/{x}/{y}.mvt', layers, label: '点选位置' });
  const marker = new gl.Marker({ element: pin(), anchor: 'bottom', draggable: true });
  const show = (longitude, latitude) => marker.setLngLat([longitude, latitude]).addTo(map);
  if (at) show(...at);
  map.on('click', event => {
    show(event.lngLat.lng, event.lngLat.lat);
    chosen(event.lngLat.lng, event.lngLat.lat);
  });
  marker.on('dragend', () => chosen(marker.getLngLat().lng, marker.getLngLat().lat));
  return { show: (longitude, latitude) => { show(longitude, latitude); map.easeTo({ center: [longitude, latitude] }); } };
}
