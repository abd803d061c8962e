import { drawQr } from '../components/qr-path.ts';
import { svg } from './dom.ts';

/** A QR code with its white border of four modules, dark on white in both themes. Undefined for a text that no code holds. */
export function qr(text: string, label: string): SVGElement | undefined {
  const drawn = drawQr(text);
  if (!drawn) return undefined;
  const side = drawn.modules + 8;
  return svg(
    'svg',
    { class: 'qr', viewBox: `-4 -4 ${side} ${side}`, role: 'img', 'aria-label': label },
    svg('rect', { x: -4, y: -4, width: side, height: side, fill: '#fff' }),
    svg('path', { d: drawn.path, fill: '#14181a', 'shape-rendering': 'crispEdges' }),
  );
}
