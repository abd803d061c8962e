import '../components/tokens.css';
import '../components/base.css';
import './pay.css';
import { LIMITS } from '#protocol/limits.ts';
import { carrierOf } from './carrier.ts';
import { startFlow } from './flow.ts';
import { memoryOf } from './memory.ts';
import { pageOf } from './page.ts';
import { PASSKEYS } from './passkeys.ts';

const memory = memoryOf(window);
/** Unix milliseconds, and steady while the page is open: a clock that is set meanwhile changes nothing. */
const now = (): number => performance.timeOrigin + performance.now();
const page = pageOf(window, memory, now);
const acts = startFlow(memory.takeLink(), {
  carrier: carrierOf(window),
  passkeys: PASSKEYS,
  memory,
  // Absent on an address that is not secure, whatever its type says.
  subtle: (window.crypto as { readonly subtle?: SubtleCrypto }).subtle,
  online: () => navigator.onLine,
  now,
  later: (ms, call) => {
    const timer = window.setTimeout(call, ms);
    return () => window.clearTimeout(timer);
  },
  show: page.show,
});
page.start(acts);
window.setInterval(() => {
  acts.tick();
  page.tick();
}, LIMITS.snapshot_interval_ms);
window.addEventListener('online', () => acts.networkBack());
// Another code, scanned into the same tab: begin anew with it.
window.addEventListener('hashchange', () => {
  if (window.location.hash.length > 1) window.location.reload();
});
