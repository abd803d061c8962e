/** What the page keeps in the browser: nothing that money hangs on. */
import { languageFrom, type PayLanguage } from './texts.ts';

export interface Memory {
  /** Chosen, or else the first of this person's languages that the page has. */
  language(): PayLanguage;
  chooseLanguage(language: PayLanguage): void;
  /** Whether a passkey was made or used here before. Only decides which button comes first. */
  registered(): boolean;
  setRegistered(registered: boolean): void;
  /**
   * Takes the link out of the address, where a history or a screenshot would keep it. This tab remembers it until it is closed, so that
   * a reload shows the same request.
   */
  takeLink(): string | undefined;
}

const [LANGUAGE, REGISTERED, LINK] = ['handover-pay-language', 'handover-pay-registered', 'handover-pay-link'];

export function memoryOf(page: Window): Memory {
  const [lasting, ofThisTab] = [storeOf(() => page.localStorage), storeOf(() => page.sessionStorage)];
  return {
    language: () => languageFrom([lasting.read(LANGUAGE) ?? '', ...page.navigator.languages].filter((tag) => tag !== '')),
    chooseLanguage: (language) => lasting.write(LANGUAGE, language),
    registered: () => lasting.read(REGISTERED) === 'yes',
    setRegistered: (registered) => lasting.write(REGISTERED, registered ? 'yes' : 'no'),
    takeLink: () => {
      const fragment = page.location.hash.slice(1);
      if (fragment === '') return ofThisTab.read(LINK);
      ofThisTab.write(LINK, fragment);
      page.history.replaceState(null, '', page.location.pathname);
      return fragment;
    },
  };
}

interface Store {
  read(slot: string): string | undefined;
  write(slot: string, text: string): void;
}

/** A browser that forbids a store throws as soon as it is named: then the page remembers until it is reloaded. */
function storeOf(named: () => Storage): Store {
  const here = new Map<string, string>();
  return {
    read: (slot) => {
      try {
        return here.get(slot) ?? named().getItem(slot) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write: (slot, text) => {
      here.set(slot, text);
      try {
        named().setItem(slot, text);
      } catch {
        // Full or forbidden.
      }
    },
  };
}
