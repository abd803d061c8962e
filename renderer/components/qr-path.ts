// oxlint-disable-next-line import/no-named-as-default -- its types know the default only
import qrcode from 'qrcode-generator';

export interface DrawnQr {
  /** Modules along one side, without the white border of four. */
  readonly modules: number;
  /** One path, in modules: each run of dark ones is one bar, so that no hairline shows between two of them. */
  readonly path: string;
}

/** Undefined for a text that no code holds: a result without its code is still a result. */
export function drawQr(text: string): DrawnQr | undefined {
  // 0: the smallest version. L: what is signed is long and a screen has no scratches, so larger modules help more than correction.
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
