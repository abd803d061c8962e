// oxlint-disable-next-line import/no-named-as-default -- its types know the default only
import qrcode from 'qrcode-generator';
import { type ReactNode, useMemo } from 'react';

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

/**
 * One path in which each run of dark modules is one bar, so that no hairline shows between two of them. Undefined for a text that no
 * code holds: a result without its code is still a result.
 */
function drawQr(text: string): { readonly modules: number; readonly path: string } | undefined {
  // 0: the smallest version. L: a signed receipt is long and a screen has no scratches, so larger modules help more than correction.
  const code = qrcode(0, 'L');
  try {
    code.addData(text);
    code.make();
  } catch {
    return undefined;
  }
  const modules = code.getModuleCount();
  let path = '';
  for (let row = 0; row < modules; row++) {
    for (let column = 0; column < modules; column++) {
      if (!code.isDark(row, column)) continue;
      const start = column;
      while (column + 1 < modules && code.isDark(row, column + 1)) column++;
      path += `M${start} ${row}h${column - start + 1}v1H${start}z`;
    }
  }
  return { modules, path };
}
