/** How a receiver checks the signature of a message, with the Standard Webhooks library of its language. */
export interface VerifySnippet {
  language: string
  install: string
  code: string
}

export const VERIFY_SNIPPETS: readonly VerifySnippet[] = [
  {
    language: 'Node',
    install: 'npm i standardwebhooks',
    code: `import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

const webhook = new Webhook(process.env.PERMEA_SECRET)
createServer(async (request, response) => {
  let body = ''
  for await (const part of request.setEncoding('utf8')) body += part
  try {
    const { eventType, data } = webhook.verify(body, request.headers)
    console.log(eventType, data)
    response.writeHead(204).end()
  } catch {
    response.writeHead(401).end()
  }
}).listen(process.env.PORT ?? 3000)`,
  },
  {
    language: 'Python',
    install: 'pip install standardwebhooks',
    code: `import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["PERMEA_SECRET"])

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            message = webhook.verify(body, headers)
            print(message["eventType"], message["data"], flush=True)
            self.send_response(204)
        except WebhookVerificationError:
            self.send_response(401)
        self.end_headers()

HTTPServer(("", int(os.environ.get("PORT", 3000))), Receiver).serve_forever()`,
  },
  {
    language: 'Go',
    install: 'go get github.com/standard-webhooks/standard-webhooks/libraries',
    code: `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("PERMEA_SECRET"))
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err == nil {
			err = webhook.Verify(body, request.Header)
		}
		if err != nil {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Println(string(body))
		response.WriteHeader(http.StatusNoContent)
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}`,
  },
  {
    language: 'Java',
    install: 'com.standardwebhooks:standardwebhooks:1.1.0',
    code: `import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.http.HttpHeaders;

public class Receiver {
  public static void main(String[] args) throws Exception {
    Webhook webhook = new Webhook(System.getenv("PERMEA_SECRET"));
    HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
    server.createContext("/", exchange -> {
      String body = new String(exchange.getRequestBody().readAllBytes(), "UTF-8");
      HttpHeaders headers = HttpHeaders.of(exchange.getRequestHeaders(), (name, value) -> true);
      try {
        webhook.verify(body, headers);
        System.out.println(body);
        exchange.sendResponseHeaders(204, -1);
      } catch (WebhookVerificationException problem) {
        exchange.sendResponseHeaders(401, -1);
      }
      exchange.close();
    });
    server.start();
  }
}`,
  },
  {
    language: 'PHP',
    install: 'composer require standard-webhooks/standard-webhooks:dev-main',
    code: `<?php
require 'vendor/autoload.php';

$webhook = new \\StandardWebhooks\\Webhook(getenv('PERMEA_SECRET'));
$headers = array_change_key_case(getallheaders());
try {
    $message = $webhook->verify(file_get_contents('php://input'), $headers);
    error_log($message['eventType']);
    http_response_code(204);
} catch (\\StandardWebhooks\\Exception\\WebhookVerificationException $problem) {
    http_response_code(401);
}`,
  },
  {
    language: 'Ruby',
    install: 'gem install standardwebhooks rack rackup webrick',
    code: `require 'standardwebhooks'

WEBHOOK = StandardWebhooks::Webhook.new(ENV.fetch('PERMEA_SECRET'))

# config.ru
run lambda { |env|
  headers = {
    'webhook-id' => env['HTTP_WEBHOOK_ID'],
    'webhook-timestamp' => env['HTTP_WEBHOOK_TIMESTAMP'],
    'webhook-signature' => env['HTTP_WEBHOOK_SIGNATURE']
  }
  begin
    message = WEBHOOK.verify(env['rack.input'].read, headers)
    warn message[:eventType]
    [204, {}, []]
  rescue StandardWebhooks::WebhookVerificationError
    [401, {}, []]
  end
}`,
  },
]
