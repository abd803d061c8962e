import { LIMITS } from '#protocol/limits.ts';
import { el } from './dom.ts';
import type { Acts } from './flow.ts';
import type { Memory } from './memory.ts';
import type { Moment } from './moments.ts';
import { type Drawing, screenOf, timeLeft } from './screens.ts';
import { icon } from './signs.ts';
import { type PayLanguage, payTexts } from './texts.ts';
import { spokenText } from './words.ts';

export interface Page {
  show(moment: Moment): void;
  /** From now on the buttons do something. */
  start(acts: Acts): void;
  tick(): void;
}

/** The moments on a real page: elements, focus, and what a screen reader is told. */
export function pageOf(window: Window, memory: Memory, now: () => number): Page {
  const { document } = window;
  const root = document.querySelector('#root')!;
  const live = el('div', { class: 'spoken', 'aria-live': 'assertive', 'aria-atomic': 'true' });
  const typed = { code: '' };
  let acts: Acts | undefined;
  let moment: Moment = { at: 'loading' };
  let language = memory.language();
  let shownAt = now();
  /** No tap meant for the moment before may hit a button of this one. */
  const guarded = (): Acts | undefined => (now() - shownAt < LIMITS.board_guard_ms ? undefined : acts);
  const doors: Acts = {
    approve: () => guarded()?.approve(),
    openRegister: () => guarded()?.openRegister(),
    register: (code) => guarded()?.register(code),
    back: () => guarded()?.back(),
    notAsked: () => guarded()?.notAsked(),
    again: () => guarded()?.again(),
    networkBack: () => undefined,
    tick: () => undefined,
  };
  const drawing = (): Drawing => ({ t: payTexts(language), language, acts: doors, now, typed });
  const choose = (next: PayLanguage): void => {
    language = next;
    memory.chooseLanguage(next);
    draw();
    top.querySelector<HTMLElement>('.language')?.focus();
  };
  let top = el('header');
  let main = el('main');
  root.replaceChildren(top, main, live);
  const draw = (): void => {
    const { t } = drawing();
    document.documentElement.lang = language;
    document.title = t('title');
    const [nextTop, nextMain] = [topBar(language, choose), screenOf(moment, drawing())];
    top.replaceWith(nextTop);
    main.replaceWith(nextMain);
    [top, main] = [nextTop, nextMain];
  };
  return {
    show: (next) => {
      const isNew = next.at !== moment.at;
      if (isNew) shownAt = now();
      moment = next;
      if (next.at === 'open' && next.registered) typed.code = ''; // it has done its work
      draw();
      if (isNew) window.scrollTo(0, 0);
      focus(main, moment, isNew);
      live.textContent = spokenText(moment, drawing().t);
    },
    start: (given) => (acts = given),
    tick: () => {
      const place = root.querySelector('#left');
      if (place && moment.at === 'open') place.textContent = timeLeft(moment.asked, drawing());
    },
  };
}

function topBar(language: PayLanguage, choose: (next: PayLanguage) => void): HTMLElement {
  const other: PayLanguage = language === 'en' ? 'ja' : 'en';
  const name = payTexts(other)('language');
  return el(
    'header',
    { class: 'top' },
    el('span', { class: 'brand' }, icon('logo'), 'Handover'),
    el(
      'button',
      { type: 'button', class: 'btn bare language', lang: other, onclick: () => choose(other) },
      icon('globe'),
      el('span', {}, name),
    ),
  );
}

/**
 * A new moment begins at its headline, or at the field to be typed in; the same one with other words stays at its button. Whoever has the
 * focus elsewhere keeps it.
 */
function focus(main: Element, moment: Moment, isNew: boolean): void {
  if (moment.at === 'loading' || main.ownerDocument.activeElement !== main.ownerDocument.body) return;
  const target = moment.at === 'register' ? '#code' : isNew ? 'h1' : '.actions .btn';
  main.querySelector<HTMLElement>(target)?.focus({ preventScroll: true });
}
