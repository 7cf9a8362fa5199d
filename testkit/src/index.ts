export { createTestDatabase, type TestDatabase } from './database.ts'
export { addWorkspace, answersSeen, buildHouse, freePort, type House, type HouseOptions } from './house.ts'
export { answering, type Received, type Receiver, startReceiver } from './receiver.ts'
