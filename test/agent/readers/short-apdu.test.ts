import { describe, expect, it } from 'vitest';
import { exchangeShort } from '../../../agent/readers/short-apdu.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';
import { ok, refuse, type Result } from '../../../protocol/errors.ts';

/** Answers in turn, and what was asked. */
function card(...answers: (string | Result<Uint8Array>)[]) {
  const asked: string[] = [];
  const carry = async (apdu: Uint8Array): Promise<Result<Uint8Array>> => {
    asked.push(toHex(apdu));
    const answer = answers.shift();
    if (answer === undefined) throw new Error('asked too often');
    return typeof answer === 'string' ? ok(fromHex(answer)) : answer;
  };
  return { carry, asked };
}

describe('a short command', () => {
  it('is carried as it is, and its answer back', async () => {
    const { carry, asked } = card('01029000');
    expect(await exchangeShort(carry, fromHex('00b0000002'))).toEqual(ok(fromHex('01029000')));
    expect(asked).toEqual(['00b0000002']);
  });

  it('has its answer fetched piece by piece', async () => {
    const { carry, asked } = card('01026102', '03046101', '059000');
    expect(await exchangeShort(carry, fromHex('00b0000000'))).toEqual(ok(fromHex('01020304059000')));
    expect(asked).toEqual(['00b0000000', '00c0000002', '00c0000001']);
  });

  it.each([
    ['00b00000', '00b0000005', 'no data, no Le'],
    ['00b0000000', '00b0000005', 'Le alone'],
    ['00a4040002aabb', '00a4040002aabb05', 'data alone'],
    ['00a4040002aabb00', '00a4040002aabb05', 'data and Le'],
  ])('%s is sent again with the right length: %s', async (first, second) => {
    const { carry, asked } = card('6c05', '01020304059000');
    expect(await exchangeShort(carry, fromHex(first))).toEqual(ok(fromHex('01020304059000')));
    expect(asked).toEqual([first, second]);
  });

  it('takes 6Cxx behind data for the end of an answer', async () => {
    const { carry } = card('016c05');
    expect(await exchangeShort(carry, fromHex('00b0000000'))).toEqual(ok(fromHex('016c05')));
  });

  it.each(['', '90'])('answered by "%s" has no status word', async (answer) => {
    expect(await exchangeShort(card(answer).carry, fromHex('00b0000000'))).toMatchObject({ code: 'READER_GARBLED' });
  });

  it.each(['6110', '6c10'])('whose answer never ends (%s) is given up', async (answer) => {
    const { carry, asked } = card(...Array.from({ length: 16 }, () => answer));
    expect(await exchangeShort(carry, fromHex('00b0000000'))).toMatchObject({ code: 'READER_GARBLED' });
    expect(asked).toHaveLength(16);
  });

  it('that fails half way is a refusal, not half an answer', async () => {
    const { carry } = card('01026102', refuse('CARD_REMOVED'));
    expect(await exchangeShort(carry, fromHex('00b0000000'))).toEqual(refuse('CARD_REMOVED'));
  });
});
