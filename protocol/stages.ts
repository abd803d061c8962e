/** The flow, in order. A stage is a folder; `agent/pipeline.ts` and `server/pipeline.ts` name them in this order. */
export const AGENT_STAGES = ['readers', 'identification', 'approvals', 'request', 'risk', 'outbox', 'sync', 'receipt'] as const;
export const SERVER_STAGES = ['intake', 'authentication', 'credit', 'primary-payment', 'accounts', 'secondary-payment'] as const;
