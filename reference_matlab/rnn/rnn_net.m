function net = rnn_net(sizes, hidden, output, initial_state, options)
% A recurrent network with one hidden layer.
%
%   sizes           [D H O]
%   hidden, output  unit types, 'tanh', 'logistic' or 'linear'; the output may be 'softmax' as well
%   initial_state   'learned': h_0 is a parameter; 'bias': one takes the place of W_hh h_0; 'zero': h_0 = 0
%   options         optional struct: errtype 'L2', 'class' or 'none'; weightcost; mu, the strength of structural
%                   damping as a share of lambda; mask_biases; per 'step' or 'sequence', what the figures are means of

net = struct('sizes', double(sizes), 'hidden', hidden, 'output', output, 'initial_state', initial_state, ...
    'errtype', 'L2', 'weightcost', 0, 'mu', 0, 'mask_biases', 0, 'per', 'step');
if nargin > 4
    names = fieldnames(options);
    for k = 1:numel(names)
        if ~isfield(net, names{k})
            error('rnn_train:options', 'options: there is none called ''%s''.', names{k});
        end
        net.(names{k}) = options.(names{k});
    end
end
if ~any(strcmp(hidden, {'tanh', 'logistic', 'linear'}))
    error('rnn_train:hidden', 'hidden: expected ''tanh'', ''logistic'' or ''linear'', got ''%s''.', hidden);
end
if ~any(strcmp(output, {'linear', 'logistic', 'softmax'}))
    error('rnn_train:output', 'output: expected ''linear'', ''logistic'' or ''softmax'', got ''%s''.', output);
end
if ~any(strcmp(initial_state, {'learned', 'bias', 'zero'}))
    error('rnn_train:initial_state', 'initial_state: expected ''learned'', ''bias'' or ''zero'', got ''%s''.', initial_state);
end
end
