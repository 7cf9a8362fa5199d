export { readConfig } from '../../server/src/config.ts'
export { TEST_ONLY_CERTIFICATE, TEST_ONLY_PRIVATE_KEY } from '../../server/src/outbound/far-end-key.ts'
export { systemClock } from '../../server/src/platform/clock.ts'
export { freePort } from '../../server/src/platform/free-port.ts'
export { toWire } from '../../server/src/platform/ids.ts'
export { packArchive, readArchive } from '../../server/src/workspace-files/archive.ts'
export {
  type BrokerProcess,
  createKafkaProcess,
  createNatsProcess,
  createRabbitProcess,
  createRedisProcess,
  KAFKA_LOGIN,
} from './broker-processes.ts'
export { type CollectedSpan, type Collector, startCollector } from './collector.ts'
export { addApp, type ConnectedAppOptions, connectApp } from './connected-app.ts'
export { callConnector, errorOfConnector, valueOfConnector } from './connector-functions.ts'
export { createEmptyDatabase, createTestDatabase, type TestDatabase } from './database.ts'
export { rowsWith } from './database-search.ts'
export {
  createEngineProcess,
  type EngineProcess,
  type EngineProcessOptions,
  tokenOfWorkspace,
} from './engine-process.ts'
export { type CallKind, type ExternalApp, type Registration, startExternalApp } from './external-app.ts'
export { addWorkspace, buildHouse, type House, type HouseOptions, houseIn } from './house.ts'
export { keptPort } from './kept-port.ts'
export { createLink, type Link, postgresSocketOf } from './link.ts'
export { runWithLinkedPackages } from './linked-packages.ts'
export { defineEverything, type Lived, liveThrough } from './lived-customer.ts'
export { type NatsCluster, startNatsCluster } from './nats-cluster.ts'
export { passedOnTraces } from './passed-on-traces.ts'
export { createPostgresProcess, createStandby, type PostgresProcess } from './postgres-process.ts'
export { type SeededRandom, seededRandom } from './random.ts'
export { answering, type Received, type Receiver, startReceiver } from './receiver.ts'
export { type ReceiverZoo, startReceiverZoo, type ZooReceiver } from './receiver-zoo.ts'
export {
  type RecordApp,
  startRecordApp,
  ticketCollection,
  ticketModels,
  ticketWebhooks,
} from './record-app.ts'
export { refusalKey } from './refusal-key.ts'
export { pause, until } from './until.ts'
export {
  bodyOf,
  FUNCTION_OF,
  HANDSHAKE_OF,
  optionsOf,
  SHAKEN,
  type Shaken,
  SIGNED,
  type Signed,
  VERDICTS,
} from './vendors/vectors.ts'
