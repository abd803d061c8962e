import type { ReactNode } from 'react';
import { signClass, type SignState } from './sign.ts';
import { StateMark } from './StateMark.tsx';

/** The sign: whose (top), what (left), mark (right), parcel (bottom). The four places never move. */
export function Board(props: BoardProps): ReactNode {
  const { state, shown, about, headline, size, amount, why, extra, mark, dashed = false, bar } = props;
  return (
    <article className={`board ${signClass(state)}`} data-board="" data-state={shown} tabIndex={-1} aria-label={headline}>
      {about}
      <div className="say">
        <div>
          <h1 className={size}>{headline}</h1>
          {amount ? <p className="amount">{amount}</p> : null}
          {why ? <p className="why">{why}</p> : null}
          {extra}
        </div>
        {mark ?? <StateMark state={state} size="big" dashed={dashed} />}
      </div>
      {bar}
    </article>
  );
}

interface BoardProps {
  readonly state: SignState;
  readonly shown: string;
  readonly about: ReactNode;
  readonly headline: string;
  /** `one`: a short line, larger. `long`: seven Japanese characters or a sentence, smaller. */
  readonly size?: 'one' | 'long' | undefined;
  readonly amount?: string | undefined;
  readonly why?: string | undefined;
  readonly extra?: ReactNode;
  /** In place of the state's own mark. */
  readonly mark?: ReactNode;
  readonly dashed?: boolean;
  readonly bar: ReactNode;
}
