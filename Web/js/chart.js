// Charts from the figures already on the page: drawn when they come into view, with the table folded below.
import { each } from './dom.js';

const colours = ['#1d4f91', '#c98a1b', '#2f7d6b', '#8a5fa8', '#b4543a', '#5d6879'];
const font = 'PingFang SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif';

function option(data, size) {
  const text = { fontFamily: font, fontSize: size, color: '#465163' };
  const base = {
    color: colours, textStyle: text, animationDuration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 300,
    aria: { enabled: false },
    // Inline style is forbidden, so the tooltip is drawn on the canvas too.
    tooltip: { renderMode: 'richText', confine: true, textStyle: { fontFamily: font, fontSize: size } },
    legend: data.series.length > 1 ? { top: 0, textStyle: text } : undefined,
  };
  if (data.kind === 'ring') {
    return {
      ...base, legend: { bottom: 0, textStyle: text },
      series: [{
        type: 'pie', radius: ['48%', '72%'], center: ['50%', '45%'], label: { ...text, formatter: '{b}\n{d}%' },
        data: data.categories.map((name, index) => ({ name, value: data.series[0].values[index] })),
      }],
    };
  }
  const category = { type: 'category', data: data.categories, axisTick: { show: false }, axisLine: { lineStyle: { color: '#c9d1dc' } }, axisLabel: text };
  const value = { type: 'value', name: data.unit, nameTextStyle: text, axisLabel: text, splitLine: { lineStyle: { color: '#e8ecf1' } } };
  const horizontal = data.kind === 'ranking';
  return {
    ...base,
    tooltip: { ...base.tooltip, trigger: 'axis' },
    grid: { left: 8, right: 24, top: data.series.length > 1 ? 40 : 32, bottom: 8, containLabel: true },
    xAxis: horizontal ? { ...value, name: '' } : category,
    yAxis: horizontal ? { ...category, inverse: true } : value,
    series: data.series.map(one => ({
      name: one.label, type: data.kind === 'line' ? 'line' : 'bar', data: one.values, barMaxWidth: 28, smooth: false,
      symbolSize: 6, lineStyle: { width: 2.5 }, itemStyle: { borderRadius: data.kind === 'line' ? 0 : horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0] },
    })),
  };
}

async function draw(figure) {
  const data = JSON.parse(figure.dataset.chart);
  const canvas = figure.querySelector('[data-chart-canvas]');
  const { echarts } = await import(figure.dataset.library);
  canvas.hidden = false;
  figure.querySelector('.chart-figures').open = false;
  const chart = echarts.init(canvas);
  const paint = () => chart.setOption(option(data, Math.round(parseFloat(getComputedStyle(figure).fontSize) * 0.8)), true);
  paint();
  chart.on('click', event => {
    const path = data.paths[event.dataIndex];
    if (path) location.assign(path);
  });
  new ResizeObserver(() => { chart.resize(); }).observe(canvas);
  addEventListener('beforeprint', () => chart.resize());
}

const seen = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target).catch(() => {});
  }
}, { rootMargin: '200px' });

each('[data-chart]', figure => seen.observe(figure));
