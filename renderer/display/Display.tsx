import type { ReactNode } from 'react';
import type { AmountView, DisplaySnapshot } from '#protocol/bridge.ts';
import { Icon } from '../components/Icon.tsx';
import { moneyText } from '../components/money-text.ts';
import { signClass } from '../components/sign.ts';
import { StateMark } from '../components/StateMark.tsx';
import { useTexts } from '../components/texts.tsx';
import { errorSentence, type Language, LANGUAGES } from '../locales/text.ts';
import { Qr } from '../components/Qr.tsx';
import type { DisplayShown } from './view.ts';

/** Amount, then tap, then result; nothing else competes. */
export function Display({ shown, snapshot, onLanguage }: DisplayProps): ReactNode {
  if (shown === 'moment' || !snapshot) return <Moment />;
  return (
    <div className={`display ${signClass(shown)}`} data-state={shown}>
      <TopBar shown={shown} snapshot={snapshot} onLanguage={onLanguage} />
      <main className="mid" role="main">
        <Middle shown={shown} board={snapshot.board} />
      </main>
      <Foot shown={shown} board={snapshot.board} />
    </div>
  );
}

interface DisplayProps {
  readonly shown: DisplayShown;
  readonly snapshot: DisplaySnapshot | undefined;
  readonly onLanguage: (language: Language) => void;
}
type Sign = Exclude<DisplayShown, 'moment'>;
interface PartProps {
  readonly shown: Sign;
  readonly board: DisplaySnapshot['board'];
}

function Moment(): ReactNode {
  const { t } = useTexts();
  return (
    <div className="display s-ready" data-state="moment">
      <div className="bar" />
      <main className="mid">
        <div role="status">
          <h1>{t('display.moment')}</h1>
        </div>
      </main>
      <div />
    </div>
  );
}

const LANGUAGE_NAME: Readonly<Record<Language, string>> = { en: 'English', ja: '日本語' };

function TopBar({
  shown,
  snapshot,
  onLanguage,
}: {
  shown: Sign;
  snapshot: DisplaySnapshot;
  onLanguage: (language: Language) => void;
}): ReactNode {
  const { t, language } = useTexts();
  const choosing = shown === 'ready' || shown === 'tap';
  return (
    <header className="bar">
      <b>
        {shown === 'ready' ? (
          <>
            <Icon name="logo" />
            &ensp;{snapshot.hubName}
          </>
        ) : (
          (snapshot.board.sellerName ?? snapshot.hubName)
        )}
      </b>
      {choosing ? (
        <span className="langs" role="group" aria-label={t('display.languages')}>
          {LANGUAGES.map((one) => (
            <button key={one} type="button" lang={one} aria-pressed={one === language} onClick={() => onLanguage(one)}>
              {LANGUAGE_NAME[one]}
            </button>
          ))}
        </span>
      ) : (
        <span className="code">{snapshot.board.code}</span>
      )}
    </header>
  );
}

function Middle({ shown, board }: PartProps): ReactNode {
  const { t } = useTexts();
  if (shown === 'ready') {
    return (
      <>
        <div role="status" aria-live="assertive">
          <h1 className="long">{t('display.welcome')}</h1>
          <p className="lead">{t('display.welcomeLead')}</p>
        </div>
        <span className="ways" aria-hidden="true">
          <Icon name="card" />
          <Icon name="phone" />
        </span>
      </>
    );
  }
  return (
    <>
      <div role="status" aria-live="assertive">
        {shown === 'tap' ? <TapWords board={board} /> : <ResultWords shown={shown} money={board.money} />}
      </div>
      {shown === 'tap' && board.phone?.first && !board.pin ? (
        <Qr text={board.phone.link} label={t('display.phoneQr')} />
      ) : (
        <StateMark state={shown} size="huge" />
      )}
    </>
  );
}

function TapWords({ board }: { board: DisplaySnapshot['board'] }): ReactNode {
  const { t, language } = useTexts();
  const { money, hint, pin, phone } = board;
  return (
    <>
      {money ? <p className={sumClass(money)}>{moneyText(money)}</p> : null}
      <h1 className="tap-line">{t(pin ? 'display.pin' : phone?.first ? 'display.phoneFirst' : 'display.tap')}</h1>
      {hint ? (
        <p className="lead hint" data-hint={hint}>
          {errorSentence(hint, language)}
        </p>
      ) : null}
    </>
  );
}

/** A long amount keeps on one line by becoming smaller; it never wraps and is never cut. */
function sumClass(money: AmountView): string {
  return moneyText(money).length > 8 ? 'sum long' : 'sum';
}

function ResultWords({ shown, money }: { shown: Exclude<Sign, 'ready' | 'tap'>; money: AmountView | undefined }): ReactNode {
  const { t } = useTexts();
  return (
    <>
      <h1 className={shown === 'deciding' ? 'long' : undefined}>{t(`display.${shown}`)}</h1>
      {money ? <p className="sum second">{moneyText(money)}</p> : null}
      {shown === 'unknown' ? null : <p className="lead">{t(`display.${shown}Lead`)}</p>}
    </>
  );
}

function Foot({ shown, board }: PartProps): ReactNode {
  const { t } = useTexts();
  switch (shown) {
    case 'ready':
      return <PlainFoot low>{t('display.welcomeFoot')}</PlainFoot>;
    case 'tap':
      return <TapFoot board={board} />;
    case 'deciding':
      return <PlainFoot low>{t('display.decidingFoot')}</PlainFoot>;
    case 'unknown':
      return (
        <PlainFoot>
          <b>{t('display.unknownFoot')}</b>
          {board.code ? `${t('display.code')} ${board.code}` : null}
        </PlainFoot>
      );
    case 'declined':
      return (
        <PlainFoot>
          <b>{t('display.declinedFoot')}</b>
          {t('display.declinedNote')}
        </PlainFoot>
      );
    case 'paid':
    case 'provisional':
      return board.receiptQr === undefined ? (
        <PlainFoot low>{t('display.take')}</PlainFoot>
      ) : (
        <ReceiptFoot shown={shown} text={board.receiptQr} />
      );
  }
}

function TapFoot({ board: { pin, phone } }: { board: DisplaySnapshot['board'] }): ReactNode {
  const { t } = useTexts();
  if (pin) return <PlainFoot low>{t('display.pinFoot')}</PlainFoot>;
  if (!phone) return <PlainFoot low>{t('display.tapFoot')}</PlainFoot>;
  if (phone.first) return <PlainFoot low>{t('display.phoneNote')}</PlainFoot>;
  return (
    <footer className="foot">
      <div>
        <b>{t('display.phone')}</b>
        {t('display.phoneNote')}
      </div>
      <Qr text={phone.link} label={t('display.phoneQr')} />
    </footer>
  );
}

function ReceiptFoot({ shown, text }: { shown: 'paid' | 'provisional'; text: string }): ReactNode {
  const { t } = useTexts();
  const provisional = shown === 'provisional';
  return (
    <footer className="foot">
      <div>
        <b>{t(provisional ? 'display.receiptProvisional' : 'display.receipt')}</b>
        {t(provisional ? 'display.receiptProvisionalNote' : 'display.receiptNote')}
      </div>
      <Qr text={text} label={t('display.qr')} />
    </footer>
  );
}

function PlainFoot({ low = false, children }: { low?: boolean; children: ReactNode }): ReactNode {
  return (
    <footer className={low ? 'foot plain low' : 'foot plain'}>
      <div>{children}</div>
    </footer>
  );
}
