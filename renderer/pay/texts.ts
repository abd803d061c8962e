import { payEn, type PayTextKey } from '../locales/pay-en.ts';
import { payJa } from '../locales/pay-ja.ts';

export type PayLanguage = 'en' | 'ja';
export type PayText = (key: PayTextKey, values?: Readonly<Record<string, string | number>>) => string;

const CATALOGUES: Readonly<Record<PayLanguage, Readonly<Record<PayTextKey, string>>>> = { en: payEn, ja: payJa };

/** Texts of one language with `{name}` filled in. Without a message library: the page has a budget, and there are no plurals in it. */
export function payTexts(language: PayLanguage): PayText {
  return (key, values = {}) => CATALOGUES[language][key].replace(/\{(\w+)\}/g, (_place, name: string) => String(values[name] ?? ''));
}

/** The first of a person's languages that the page has; English when there is none. */
export function languageFrom(tags: readonly string[]): PayLanguage {
  const known = tags.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => tag === 'en' || tag === 'ja');
  return known === 'ja' ? 'ja' : 'en';
}
