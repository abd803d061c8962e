import { connect } from 'node:net';

/**
 * Whether the smart card service of Linux is there although the library says that it does not run: a service that polkit told to
 * refuse us hangs up before it says a word, which the library takes for absence. False on other systems.
 */
export async function isServiceThere(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return new Promise((resolve) => {
    const socket = connect(process.env['PCSCLITE_CSOCK_NAME'] ?? '/run/pcscd/pcscd.comm', () => {
      socket.destroy();
      resolve(true);
    });
    // A door that this user may not open is a door.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES'));
  });
}
