import { ok, type Result } from '#protocol/errors.ts';
import { ALL_SLOTS } from '../card-keys.ts';
import type { Transceive } from './apdu.ts';
import { type CardVersion, getKeyVersion, getNdefSettings, getVersion, selectApplication } from './commands.ts';

/** What a card tells anybody. */
export interface CardLook {
  readonly version: CardVersion;
  /** Version of the key in each of the five slots: 0 from the factory, else the id of a master key. */
  readonly keyVersions: readonly number[];
  /** Settings of the NDEF file as the chip spells them. */
  readonly settings: Uint8Array;
}

/** Selects the card and asks what it tells anybody; changes nothing. Refusals: CARD_UNSUPPORTED, READER_GARBLED, those of the reader. */
export async function lookAtCard(transceive: Transceive): Promise<Result<CardLook>> {
  const selected = await selectApplication(transceive);
  if (!selected.ok) return selected;
  const version = await getVersion(transceive);
  if (!version.ok) return version;
  const keyVersions: number[] = [];
  for (const slot of ALL_SLOTS) {
    const found = await getKeyVersion(transceive, slot);
    if (!found.ok) return found;
    keyVersions.push(found.value);
  }
  const settings = await getNdefSettings(transceive);
  return settings.ok ? ok({ version: version.value, keyVersions, settings: settings.value }) : settings;
}
