import { refuse, ok, type Result } from '#protocol/errors.ts';
import { ALL_SLOTS } from '../card-keys.ts';
import { areLinkSettings, linkSettings } from './file-settings.ts';
import { linkTemplate } from './link-template.ts';
import type { CardLook } from './look.ts';
import type { Wanted } from './personalise.ts';

/**
 * What personalise() would change, as far as a card tells anybody: it is asked for no proof that it has the keys whose versions it says,
 * and whether its link is the wanted one is only seen in a session. Refusals: CONFIG_BAD (url), NOT_FOUND (no such master key).
 */
export function planOf(look: CardLook, wanted: Wanted, keyIds: readonly number[]): Result<readonly string[]> {
  const template = linkTemplate(wanted.url);
  if (!template.ok) return template;
  if (!keyIds.includes(wanted.keyId)) return refuse('NOT_FOUND', `card master key ${wanted.keyId}`);
  const keys = ALL_SLOTS.filter((slot) => look.keyVersions[slot] !== wanted.keyId).map((slot) => `key ${slot}`);
  const isSet = areLinkSettings(look.settings, linkSettings(template.value));
  const settings = isSet ? [] : ['file settings'];
  const hides = wanted.randomUid && look.version.uid !== undefined ? ['random UID'] : [];
  return ok([...keys, 'link, if it is another', ...settings, ...hides]);
}
