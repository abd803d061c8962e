/** Elements as values. Nothing goes through HTML text, so that no name of a seller can become markup. */
export type Child = Node | string | false | undefined;

export interface Properties {
  readonly [attribute: string]: string | number | boolean | (() => void) | undefined;
}

/** An element with attributes and children. A function is a listener for the event named after `on`. `false` and undefined are left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  give(element, properties);
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag: string, properties: Properties, ...children: readonly Node[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  give(element, properties);
  element.append(...children);
  return element;
}

function give(element: Element, properties: Properties): void {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}
