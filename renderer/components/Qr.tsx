import { type ReactNode, useMemo } from 'react';
import { drawQr } from './qr-path.ts';

/** A QR code with its white border of four modules, dark on white in both themes. Nothing is drawn when the text is too long for any code. */
export function Qr({ text, label }: { text: string; label: string }): ReactNode {
  const drawn = useMemo(() => drawQr(text), [text]);
  if (!drawn) return null;
  const { modules, path } = drawn;
  return (
    <svg className="qr" viewBox={`-4 -4 ${modules + 8} ${modules + 8}`} role="img" aria-label={label}>
      <rect x="-4" y="-4" width={modules + 8} height={modules + 8} fill="#fff" />
      <path d={path} fill="#14181a" shapeRendering="crispEdges" />
    </svg>
  );
}
