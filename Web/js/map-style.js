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

const text = ['to-string', ['coalesce', ['get', 'label'], '']];
const label = look => ['concat', `label|${look}|`, text];
const named = ['!=', text, ''];
const byZoom = (...stops) => ['interpolate', ['exponential', 1.5], ['zoom'], ...stops];
const isCluster = ['>', ['coalesce', ['get', 'count'], 1], 1];
const isMain = ['in', ['coalesce', ['get', 'class'], ''], ['literal', ['motorway', 'trunk', 'primary', 'secondary', '快速路', '主干路', '次干路']]];

const symbol = (source, id, options) => ({ id: `${source}-${id}`, type: 'symbol', source, 'source-layer': source, ...options });

const dot = colour => ({ 'circle-radius': byZoom(12, 4, 17, 7), 'circle-color': colour, 'circle-stroke-color': '#fff', 'circle-stroke-width': 1.5 });

/** Points that the server gathers where they crowd: a circle with a count, or the point itself. */
const points = (name, colour, minzoom) => [
  { id: `${name}-cluster`, type: 'circle', filter: isCluster, minzoom, metadata: { opens: true },
    paint: { 'circle-radius': ['interpolate', ['linear'], ['log10', ['get', 'count']], 0, 12, 2, 17, 4, 25, 6, 34], 'circle-color': colour, 'circle-opacity': 0.88, 'circle-stroke-color': '#fff', 'circle-stroke-width': 2, 'circle-stroke-opacity': 0.8 } },
  { id: `${name}-dot`, type: 'circle', filter: ['!', isCluster], minzoom, metadata: { opens: true }, paint: dot(colour) },
];

const pointLabels = (name, look, minzoom, from) => [
  symbol(name, 'count', { filter: isCluster, minzoom: from, layout: { 'icon-image': ['concat', 'label|count|', countText], 'icon-allow-overlap': true } }),
  symbol(name, 'label', { filter: ['all', ['!', isCluster], named], minzoom, layout: { 'icon-image': label(look), 'icon-anchor': 'top', 'icon-offset': [0, 6] } }),
];

const countText = ['case', ['>=', ['get', 'count'], 10000],
  ['concat', ['to-string', ['/', ['round', ['/', ['get', 'count'], 1000]], 10]], '万'], ['to-string', ['get', 'count']]];

/** How grids are told apart, kind by kind in the order of the layers: by colour and by dashes. */
const gridTones = [
  { colour: '#2f7d6b', dashes: [3, 2] }, { colour: '#2b5fa8', dashes: [1, 0] }, { colour: '#9c4a1a', dashes: [1, 1.5] },
  { colour: '#4f7418', dashes: [5, 2] }, { colour: '#8a3b7a', dashes: [5, 2, 1, 2] }, { colour: '#6a5a2e', dashes: [2, 4] },
];

/** The register that a layer is of: `grids-work` is one of the layers of `grids`. */
export const registerOf = name => name.split('-')[0];

/** Which of its register's layers a layer is. */
export const toneOf = (name, layers) => layers.filter(layer => registerOf(layer.name) === registerOf(name)).findIndex(layer => layer.name === name);

const drawn = {
  divisions: () => [
    { id: 'divisions-fill', type: 'fill', paint: { 'fill-color': '#8c7fb3', 'fill-opacity': 0.05 } },
    { id: 'divisions-line', type: 'line', paint: { 'line-color': '#7a6a9c', 'line-width': byZoom(6, 1, 12, 2), 'line-opacity': 0.75 } },
  ],
  grids: (name, tone) => [
    { id: `${name}-fill`, type: 'fill', minzoom: 12, metadata: { opens: true }, paint: { 'fill-color': gridTones[tone % gridTones.length].colour, 'fill-opacity': 0.04 } },
    { id: `${name}-line`, type: 'line', minzoom: 12, paint: { 'line-color': gridTones[tone % gridTones.length].colour, 'line-width': 1.5, 'line-dasharray': gridTones[tone % gridTones.length].dashes } },
  ],
  compounds: () => [
    { id: 'compounds-face', type: 'fill', minzoom: 13, metadata: { opens: true }, paint: { 'fill-color': '#e3ead9', 'fill-outline-color': '#9db087' } },
  ],
  roads: () => [
    { id: 'roads-edge', type: 'line', minzoom: 11, layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': ['case', isMain, '#d9a441', '#c2cad5'], 'line-width': byZoom(11, ['case', isMain, 1.5, 0.75], 16, ['case', isMain, 11, 6], 19, ['case', isMain, 30, 18]) } },
    { id: 'roads-face', type: 'line', minzoom: 13, layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': ['case', isMain, '#fbe3ae', '#ffffff'], 'line-width': byZoom(13, ['case', isMain, 1.5, 0.75], 16, ['case', isMain, 9, 4.5], 19, ['case', isMain, 27, 16]) } },
  ],
  defects: () => [
    { id: 'defects-fill', type: 'fill', minzoom: 10, metadata: { opens: true }, paint: { 'fill-color': '#b3261e', 'fill-opacity': 0.28 } },
    { id: 'defects-line', type: 'line', minzoom: 10, paint: { 'line-color': '#b3261e', 'line-width': 2 } },
  ],
  buildings: () => [
    { id: 'buildings-face', type: 'fill', minzoom: 14, metadata: { opens: true },
      paint: { 'fill-color': '#d3dbe6', 'fill-outline-color': '#8fa1b8', 'fill-opacity': byZoom(14, 0.5, 15, 1) } },
  ],
  landmarks: () => [
    { id: 'landmarks-face', type: 'fill', minzoom: 11, metadata: { opens: true }, paint: { 'fill-color': '#c98a2b', 'fill-opacity': 0.55 } },
    { id: 'landmarks-line', type: 'line', minzoom: 11, paint: { 'line-color': '#8a5a10', 'line-width': 2 } },
  ],
  facilities: () => points('facilities', '#1a6a3d', 11),
  stations: () => points('stations', '#5b3f99', 9),
  organisations: () => points('organisations', '#96581a', 12),
  addresses: () => points('addresses', '#1d4f91', 0),
};

const labels = {
  divisions: () => [symbol('divisions', 'label', { filter: named, maxzoom: 15, layout: { 'icon-image': ['case', ['in', ['to-string', ['get', 'level']], ['literal', ['city', 'district']]], label('county'), label('division')] } })],
  defects: () => [],
  grids: name => [symbol(name, 'label', { filter: named, minzoom: 14, layout: { 'icon-image': label('grid') } })],
  compounds: () => [symbol('compounds', 'label', { filter: named, minzoom: 15, layout: { 'icon-image': label('facility') } })],
  roads: () => [symbol('roads', 'label', { filter: named, minzoom: 14, layout: { 'symbol-placement': 'line', 'symbol-spacing': 350, 'icon-image': label('road'), 'icon-rotation-alignment': 'map', 'icon-keep-upright': true } })],
  buildings: () => [symbol('buildings', 'label', { filter: named, minzoom: 16, layout: { 'icon-image': label('building') } })],
  landmarks: () => [symbol('landmarks', 'label', { filter: named, minzoom: 12, layout: { 'icon-image': label('road') } })],
  facilities: () => pointLabels('facilities', 'facility', 15, 11),
  stations: () => pointLabels('stations', 'division', 13, 9),
  organisations: () => pointLabels('organisations', 'road', 16, 12),
  addresses: () => pointLabels('addresses', 'address', 17, 0),
};

const order = Object.keys(drawn);

/** The style's layers for the tile layers that a map has: areas below lines below points below labels. */
export function mapLayers(wanted) {
  const add = group => order.flatMap(register => wanted.filter(layer => registerOf(layer.name) === register).flatMap((layer, tone) => group[register](layer.name, tone).map(drawing => ({
    source: layer.name, 'source-layer': layer.name, ...drawing,
    layout: { ...drawing.layout, visibility: layer.on ? 'visible' : 'none' },
  }))));
  return [{ id: 'ground', type: 'background', paint: { 'background-color': '#f1f3f0' } }, ...add(drawn), ...add(labels)];
}
