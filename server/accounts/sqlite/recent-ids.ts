import type { Id } from '#protocol/ids.ts';
import { type Packed, packedView } from '../batch-hash.ts';
import { mixWords, readIdWords } from '../id-words.ts';

/**
 * Which ids may be stored already. Ids are ordered by time, so nearly every new one is later than all but the latest: of those, marks are
 * kept in memory, in two generations, and only an id that is not later than the ones let go needs a look into the database.
 */
export class RecentIds {
  readonly #most: number;
  #young: Marks;
  #old: Marks;
  /** Above every stored id. */
  #highest: string;
  /** Nothing above it is in the database, unless it is in one of the generations. */
  #floor: string;

  /** `highest`: the highest id in the database, or nothing; `most`: ids in one generation. */
  constructor(highest: Id | '', most: number) {
    this.#floor = highest;
    this.#highest = highest;
    this.#most = most;
    this.#young = new Marks(most);
    this.#old = new Marks(most);
  }

  add(ids: readonly Id[]): void {
    for (const id of ids) {
      readIdWords(id, words);
      this.#mark();
    }
    this.#rise();
  }

  /** Ids as they stand in a batch's bytes. */
  addPacked(packed: Packed): void {
    const view = packedView(packed);
    const { at } = packed;
    for (let place = 0; place < at.length; place++) {
      const start = at[place]!;
      for (let word = 0; word < 4; word++) words[word] = view.getUint32(start + 4 * word);
      this.#mark();
    }
    this.#rise();
  }

  /** False: certainly not stored. True: look. */
  maybe(id: Id): boolean {
    if (id > this.#highest) return false;
    if (id <= this.#floor) return true;
    readIdWords(id, words);
    return this.#young.has(words) || this.#old.has(words);
  }

  #mark(): void {
    this.#young.add(words);
    if (this.#young.count < this.#most) return;
    this.#rise();
    if (this.#old.count > 0) this.#floor = higher(this.#floor, this.#old.bound);
    [this.#young, this.#old] = [this.#old, this.#young];
    this.#young.clear();
  }

  #rise(): void {
    this.#highest = higher(this.#highest, this.#young.bound);
  }
}

const words = new Uint32Array(4);

function higher(a: string, b: string): string {
  return a > b ? a : b;
}

/** Thirty-two bits of each of so many ids, in open addressing: that one is taken for another costs a look, nothing else. */
class Marks {
  readonly #places: Int32Array;
  /** Milliseconds of the latest id. */
  #latest = 0;
  count = 0;

  constructor(most: number) {
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(2 * most + 2)));
  }

  add(id: Uint32Array): void {
    const time = id[0]! * 65_536 + (id[1]! >>> 16);
    if (time > this.#latest) this.#latest = time;
    const mark = markOf(id);
    this.#places[this.#placeOf(mark)] = mark;
    this.count++;
  }

  has(id: Uint32Array): boolean {
    return this.#places[this.#placeOf(markOf(id))] !== 0;
  }

  clear(): void {
    this.#places.fill(0);
    this.#latest = 0;
    this.count = 0;
  }

  /** Above every id of the same millisecond: the beginning of its text, and a letter that no id has. */
  get bound(): string {
    const digits = this.#latest.toString(16).padStart(12, '0');
    return `${digits.slice(0, 8)}-${digits.slice(8)}-g`;
  }

  #placeOf(mark: number): number {
    const places = this.#places;
    const last = places.length - 1;
    let place = mark & last;
    while (places[place] !== 0 && places[place] !== mark) place = (place + 1) & last;
    return place;
  }
}

/** Never 0, which stands for an empty place. */
function markOf(id: Uint32Array): number {
  return mixWords(id[0]!, id[1]!, id[2]!, id[3]!) || 1;
}
