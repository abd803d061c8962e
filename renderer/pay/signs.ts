/** Marks and icons, always decoration beside words; the shapes are those of the counter's and the display's. */
import { type Properties, svg } from './dom.ts';

export type MarkName = 'paid' | 'unknown' | 'declined';
export type IconName = 'logo' | 'key' | 'seal' | 'clock' | 'trouble' | 'phone' | 'globe';

type Shape = readonly [tag: string, properties: Properties];

const LINE = { fill: 'none', stroke: 'currentColor' } as const;
const MARKS: Readonly<Record<MarkName, readonly Shape[]>> = {
  paid: [
    ['circle', { cx: 50, cy: 50, r: 46, fill: 'currentColor' }],
    ['path', { class: 'cut', d: 'M28.5 51.5 44 67l28.5-32', fill: 'none', 'stroke-width': 9, 'stroke-linecap': 'square' }],
  ],
  unknown: [
    ['path', { ...LINE, d: 'M50 5 95 50 50 95 5 50Z', 'stroke-width': 6, 'stroke-dasharray': '14.14 7.07', 'stroke-dashoffset': 7.07 }],
    [
      'path',
      {
        ...LINE,
        d: 'M39.5 41.5c.3-6.6 4.8-10.5 10.8-10.5 6.3 0 10.7 3.8 10.7 9.6 0 4.6-2.6 7-6 9.4-3.6 2.5-4.8 4.6-4.8 8.5',
        'stroke-width': 7,
      },
    ],
    ['rect', { x: 46.2, y: 64.5, width: 8, height: 8, fill: 'currentColor' }],
  ],
  declined: [
    ['path', { d: 'M31.3 5h37.4L95 31.3v37.4L68.7 95H31.3L5 68.7V31.3Z', fill: 'currentColor' }],
    ['path', { class: 'cut', d: 'm33.5 33.5 33 33m0-33-33 33', fill: 'none', 'stroke-width': 9, 'stroke-linecap': 'square' }],
  ],
};
const ICONS: Readonly<Record<IconName, readonly Shape[]>> = {
  logo: [
    ['path', { d: 'M3 3.5v17M21 3.5v17', 'stroke-width': 3 }],
    ['rect', { x: 10, y: 7.5, width: 9, height: 9, fill: 'currentColor', stroke: 'none' }],
  ],
  key: [['path', { d: 'M8 7.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M12.5 12H21v4M17 12v3' }]],
  seal: [['path', { d: 'm12 3 7.5 3v5.5c0 4.5-3.2 7.7-7.5 9.5-4.3-1.8-7.5-5-7.5-9.5V6Zm-3.5 9 2.5 2.5 4.5-5' }]],
  clock: [['path', { d: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M12 7v5.2l3.3 2' }]],
  trouble: [['path', { d: 'm12 3.5 8.5 8.5-8.5 8.5L3.5 12ZM12 8v5M12 15v1.5' }]],
  phone: [['path', { d: 'M6.5 2.5h11v19h-11ZM10.5 18.5h3' }]],
  globe: [['path', { d: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M3.5 12h17M12 3.5c5 5 5 12 0 17-5-5-5-12 0-17' }]],
};

export function mark(name: MarkName): SVGElement {
  return drawing({ class: 'mark', viewBox: '0 0 100 100' }, MARKS[name]);
}

export function icon(name: IconName): SVGElement {
  return drawing({ class: 'icon', viewBox: '0 0 24 24', ...LINE, 'stroke-width': 1.75 }, ICONS[name]);
}

function drawing(properties: Properties, shapes: readonly Shape[]): SVGElement {
  return svg('svg', { ...properties, 'aria-hidden': 'true' }, ...shapes.map(([tag, given]) => svg(tag, given)));
}
