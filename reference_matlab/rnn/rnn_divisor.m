function Z = rnn_divisor(net, data)
% What sums are divided by: the weight of all steps with a loss, or the number of sequences.

if strcmp(net.per, 'sequence')
    Z = size(data.x, 2);
else
    Z = double(sum(data.m(:)));
end
end
