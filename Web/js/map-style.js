// How each layer of the map is drawn. Labels name the image `label|look|text` that map.js draws.

/** Faces of labels: size in px at the standard text size. */
export const looks = {
  county: { size: 15, weight: 600, colour: '#51437a', halo: 'rgba(255,255,255,.9)' },
  division: { size: 13, weight: 500, colour: '#65578c', halo: 'rgba(255,255,255,.9)' },
  grid: { size: 12, weight: 500, colour: '#22614f', halo: 'rgba(255,255,255,.9)' },
  road: { size: 12, weight: 400, colour: '#6b5320', halo: 'rgba(255,255,255,.95)' },
  building: { size: 12, weight: 400, colour: '#3c4a5e', halo: 'rgba(255,255,255,.9)' },
  address: { size: 12, weight: 500, colour: '#163e73', halo: 'rgba(255,255,255,.95)' },
  facility: { size: 12, weight: 500, colour: '#185c38', halo: 'rgba(255,255,255,.95)' },
  count: { size: 13, weight: 600, colour: '#ffffff', halo: null },
};

const label = (look, property = 'name') => ['concat', `label|${look}|`, ['to-string', ['get', property]]];
const named = ['all', ['has', 'name'], ['!=', ['get', 'name'], '']];
const byZoom = (...stops) => ['interpolate', ['exponential', 1.5], ['zoom'], ...stops];
const isCluster = ['>', ['coalesce', ['get', 'count'], 1], 1];
const isMain = ['in', ['coalesce', ['get', 'class'], ''], ['literal', ['motorway', 'trunk', 'primary', 'secondary', '快速路', '主干路', '次干路']]];

const symbol = (source, id, options) => ({ id: `${source}-${id}`, type: 'symbol', source, 'source-layer': source, ...options });

const drawn = {
  divisions: () => [
    { id: 'divisions-fill', type: 'fill', paint: { 'fill-color': '#8c7fb3', 'fill-opacity': 0.05 } },
    { id: 'divisions-line', type: 'line', paint: { 'line-color': '#7a6a9c', 'line-width': byZoom(6, 1, 12, 2), 'line-opacity': 0.75 } },
  ],
  grids: () => [
    { id: 'grids-fill', type: 'fill', minzoom: 12, paint: { 'fill-color': '#2f7d6b', 'fill-opacity': 0.04 } },
    { id: 'grids-line', type: 'line', minzoom: 12, paint: { 'line-color': '#2f7d6b', 'line-width': 1.25, 'line-dasharray': [3, 2] } },
  ],
  roads: () => [
    { id: 'roads-edge', type: 'line', minzoom: 11, layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': ['case', isMain, '#d9a441', '#c9d1dc'], 'line-width': byZoom(11, ['case', isMain, 1.5, 0.5], 16, ['case', isMain, 11, 6], 19, ['case', isMain, 30, 18]) } },
    { id: 'roads-face', type: 'line', minzoom: 13, layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': ['case', isMain, '#fbe3ae', '#ffffff'], 'line-width': byZoom(13, ['case', isMain, 1.5, 0.75], 16, ['case', isMain, 9, 4.5], 19, ['case', isMain, 27, 16]) } },
  ],
  buildings: () => [
    { id: 'buildings-face', type: 'fill', minzoom: 14, metadata: { opens: true },
      paint: { 'fill-color': '#d3dbe6', 'fill-outline-color': '#8fa1b8', 'fill-opacity': byZoom(14, 0.5, 15, 1) } },
  ],
  facilities: () => [
    { id: 'facilities-dot', type: 'circle', minzoom: 12, metadata: { opens: true },
      paint: { 'circle-radius': byZoom(12, 4, 17, 7), 'circle-color': '#1a6a3d', 'circle-stroke-color': '#fff', 'circle-stroke-width': 1.5 } },
  ],
  addresses: () => [
    { id: 'addresses-cluster', type: 'circle', filter: isCluster, metadata: { opens: true },
      paint: { 'circle-radius': ['interpolate', ['linear'], ['log10', ['get', 'count']], 0, 12, 2, 17, 4, 25, 6, 34], 'circle-color': '#1d4f91', 'circle-opacity': 0.88, 'circle-stroke-color': '#fff', 'circle-stroke-width': 2, 'circle-stroke-opacity': 0.8 } },
    { id: 'addresses-dot', type: 'circle', filter: ['!', isCluster], metadata: { opens: true },
      paint: { 'circle-radius': byZoom(12, 3, 18, 6), 'circle-color': '#1d4f91', 'circle-stroke-color': '#fff', 'circle-stroke-width': 1.5 } },
  ],
};

const labels = {
  divisions: () => [symbol('divisions', 'label', { filter: named, maxzoom: 15, layout: { 'icon-image': ['case', ['<=', ['to-number', ['get', 'level'], 9], 3], label('county'), label('division')] } })],
  grids: () => [symbol('grids', 'label', { filter: named, minzoom: 14, layout: { 'icon-image': label('grid') } })],
  roads: () => [symbol('roads', 'label', { filter: named, minzoom: 14, layout: { 'symbol-placement': 'line', 'symbol-spacing': 350, 'icon-image': label('road'), 'icon-rotation-alignment': 'map', 'icon-keep-upright': true } })],
  buildings: () => [symbol('buildings', 'label', { filter: named, minzoom: 16, layout: { 'icon-image': label('building') } })],
  facilities: () => [symbol('facilities', 'label', { filter: named, minzoom: 15, layout: { 'icon-image': label('facility'), 'icon-anchor': 'top', 'icon-offset': [0, 6] } })],
  addresses: () => [
    symbol('addresses', 'count', { filter: isCluster, layout: { 'icon-image': ['concat', 'label|count|', ['case', ['>=', ['get', 'count'], 10000], ['concat', ['to-string', ['/', ['round', ['/', ['get', 'count'], 1000]], 10]], '万'], ['to-string', ['get', 'count']]]], 'icon-allow-overlap': true } }),
    symbol('addresses', 'label', { filter: ['all', ['!', isCluster], named], minzoom: 17, layout: { 'icon-image': label('address'), 'icon-anchor': 'top', 'icon-offset': [0, 5] } }),
  ],
};

const order = ['divisions', 'grids', 'roads', 'buildings', 'facilities', 'addresses'];

/** The style's layers for the tile layers that a map has: areas below lines below points below labels. */
export function mapLayers(wanted) {
  const present = new Map(wanted.map(layer => [layer.name, layer.on]));
  const add = group => order.filter(name => present.has(name)).flatMap(name => group[name]().map(layer => ({
    source: name, 'source-layer': name, ...layer,
    layout: { ...layer.layout, visibility: present.get(name) ? 'visible' : 'none' },
  })));
  return [{ id: 'ground', type: 'background', paint: { 'background-color': '#f1f3f0' } }, ...add(drawn), ...add(labels)];
}
